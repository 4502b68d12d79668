"""Whether what is installed works: one check after the other, in a temporary folder, as the commands of a user."""
