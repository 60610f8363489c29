"""EV-NVC: efficient variable-rate neural video coding (arXiv 2511.01590), a reconstruction of ours."""
