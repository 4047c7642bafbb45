"""Every binary layout, declared once in construct."""
