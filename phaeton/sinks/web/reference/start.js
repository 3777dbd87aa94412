"use strict";

// No validator of the internet is asked, and the log-in of the page is used as it is.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  tryItOutEnabled: false,
  displayRequestDuration: true,
});
