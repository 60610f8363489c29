"""The DCVC family: conditional video codecs by Li, Li and Lu."""
