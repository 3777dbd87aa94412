"""The pure part: small machines that turn what is known into what is to be done."""
