"""What runs inside an image in the tests."""
