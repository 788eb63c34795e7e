"""The pages: each handler asks a question and fills a template; every state of a page is a link."""
