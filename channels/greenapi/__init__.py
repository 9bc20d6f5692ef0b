"""Personal accounts of MAX and WhatsApp through the GREEN-API gateway."""
