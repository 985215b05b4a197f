"""The care services, one folder for each. They never import each other."""
