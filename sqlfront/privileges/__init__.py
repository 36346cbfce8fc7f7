"""Who may do what: memberships of roles, access lists, and what a statement needs.

`roles` follows memberships, `acl` has the arithmetic of access lists, `rights` says what a role has on an object,
`statements` what a bound query or data change needs. Nothing here changes anything: GRANT is `sqlfront.commands`'.
"""
