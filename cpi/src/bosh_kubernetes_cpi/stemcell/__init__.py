"""How a stemcell becomes an image that nodes can pull: references, the registry's protocol, the upload in one pass.

Loaded by create_stemcell and delete_stemcell only; no other call pays for what it imports.
"""
