"""Code that several recipes share, other than layers."""
