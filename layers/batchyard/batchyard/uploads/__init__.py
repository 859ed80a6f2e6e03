"""Files that users upload and get back: product files for jobs, what jobs export, their error files."""
