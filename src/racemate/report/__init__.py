"""Results for people to look at: text, pictures, a page."""
