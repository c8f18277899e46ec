"""Who may do what: principals, sessions, policies and their database passwords."""
