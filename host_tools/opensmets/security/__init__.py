"""Keys, certificates, signatures, MACs and encryption of the remote parties."""
