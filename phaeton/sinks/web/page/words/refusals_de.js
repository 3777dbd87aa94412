// Was Phaeton ablehnt, je Code; {name} ist ein Wert.

export default {
  wrong_password: "das Passwort ist falsch",
  no_password: "es gibt noch kein Passwort: setzen Sie eines mit „phaeton password“ auf dem Gerät selbst",
  too_often: "zu viele Versuche; in {seconds} s wieder",
  fixed_phases: "bei dieser Wallbox sind die Phasen nicht wählbar",
  configured: "eine Wallbox ist schon eingerichtet; die Einstellungen ändern sie",
  searching: "es wird schon gesucht",
  config_changed: "jemand anderes hat die Konfiguration inzwischen geändert: lesen Sie sie neu",
  config_unkept: "die Konfiguration dieses Phaeton wird nicht aufbewahrt",
  current_range: "der Strom muss zwischen 0 und {most_a} A liegen",
  energy_range: "die Energie muss über 0 und höchstens 1000 kWh sein",
  power_range: "die Leistung muss zwischen 0 und 100000 W liegen",
  until_range: "der Zeitpunkt muss in der Zukunft liegen, innerhalb einer Woche",
  soc_range: "der Ladestand muss zwischen {least_pct} und 100 % liegen",
  departure_range: "die Abfahrt muss in der Zukunft liegen, innerhalb von zwei Wochen",
};
