"""EVC: image codecs of three sizes by Wang, Li, Li and Lu."""
