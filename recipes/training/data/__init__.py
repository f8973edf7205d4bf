"""Tables of scores for the pictures of the chapter: what took long to train or to replay."""
