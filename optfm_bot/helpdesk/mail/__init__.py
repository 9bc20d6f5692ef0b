"""A helpdesk that is a mailbox: customers' words leave as mail to the staff, and the staff answers by mail."""
