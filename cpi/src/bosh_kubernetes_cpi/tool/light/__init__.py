"""`stemcell light`: a stemcell tarball that names a published image."""
