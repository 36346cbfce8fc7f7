"""Sessions: statements, transactions, cursors and portals of one client, without a socket."""
