"""`python -m optfm_bot` is `optfm-bot`."""

from optfm_bot.cli.main import main

main()
