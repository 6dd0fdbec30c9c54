"""What has to be true of a training before its numbers mean anything."""
