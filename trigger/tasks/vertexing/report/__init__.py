"""What the page says of vertex finding."""
