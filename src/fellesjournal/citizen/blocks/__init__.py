"""The citizen's own blocks: which there are, making one, lifting one."""
