"""The cluster: processes that share a database divide the conversations and the duties among themselves."""
