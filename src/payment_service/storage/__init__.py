"""What is kept: the collections, declared once for every adapter."""
