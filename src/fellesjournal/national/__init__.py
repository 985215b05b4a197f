"""What is Norway's own: identity numbers now; the national services come here, one folder each."""
