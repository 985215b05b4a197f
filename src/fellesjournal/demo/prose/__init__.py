"""Clinical prose: what a good GP, nurse or public health nurse writes, in their own short ways."""
