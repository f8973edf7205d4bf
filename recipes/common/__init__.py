"""What several recipes share and is no layer."""
