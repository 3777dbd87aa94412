// Deutsch: Hilfe zu Einstellungen; was hier nicht steht, sagt das Schema auf Englisch.

export default {
  "chargers.host": "Name oder Adresse im Netzwerk",
  "chargers.name": "Name auf dem GX und auf dieser Seite",
  "chargers.limits.min_set_current_a": "Kleinster Strom, mit dem das Auto lädt; 8 passt manchen Autos besser",
  "chargers.limits.max_set_current_a": "Mehr wird nie eingestellt",
  "chargers.limits.max_phases": "So viele Phasen hat der Anschluss der Ladestation",
  "site.limits.fuse_a": "Hauptsicherung jeder Phase",
  "site.timezone": "Zeitzone, etwa Europe/Berlin; leer = die des GX",
  "auto.start_delay_s": "So lange muss genug Überschuss da sein, bevor das Laden beginnt",
  "auto.min_solar_share_pct": "So viel der kleinsten Ladeleistung muss die Sonne geben; 0 = immer mindestens das Minimum",
  "auto.rest_s": "Pause zwischen einem Ende und dem nächsten Start",
  "phases.auto_switch": "Selbst zwischen einer und drei Phasen wählen",
  "prices.source": "Woher die Preise kommen",
  "prices.import_per_kwh": "Fester Preis einer kWh aus dem Netz",
  "prices.feed_in_per_kwh": "Was eine eingespeiste kWh bringt",
  "prices.currency": "Währung aller Preise",
  "vehicles.name": "Name auf dieser Seite",
  "vehicles.battery_kwh": "Nutzbarer Inhalt der Batterie; nötig für alles in %",
  "vehicles.limit_soc_pct": "Hier endet das Laden; die Grenze des Autos selbst gilt auch",
};
