"""Images for boards, and what puts them there and reads them back."""
