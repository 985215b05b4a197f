"""SCIM 2.0 (RFC 7643, 7644): a payroll or identity system brings in staff and their posts.

The protocol alone; what is wished is carried out by `identity.administration`, as for a page or a file.
"""
