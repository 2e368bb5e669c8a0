"""A reference video: what is learned from it, how a user's video deviates from it and how alike they are."""
