"""Who may do what: principals, sessions, policies and the database passwords minted for them."""
