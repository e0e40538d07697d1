"""What the programs of published numbers share."""
