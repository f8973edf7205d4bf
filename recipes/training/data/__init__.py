"""Tables of scores for the pictures of the chapter, which took long to train or to replay."""
