"""Task kinds, one file each: features, head, collator, metric."""
