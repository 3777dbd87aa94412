// Nederlands: uitleg bij instellingen; wat hier niet staat, zegt het schema in het Engels.

export default {
  "chargers.host": "Naam of adres in het netwerk",
  "chargers.name": "Naam op de GX en op deze pagina",
  "chargers.limits.min_set_current_a": "Kleinste stroom waarmee de auto laadt; 8 past beter bij sommige auto's",
  "chargers.limits.max_set_current_a": "Meer wordt nooit ingesteld",
  "chargers.limits.max_phases": "Zoveel fasen heeft de aansluiting van de laadpaal",
  "site.limits.fuse_a": "Hoofdzekering van elke fase",
  "site.timezone": "Tijdzone, zoals Europe/Amsterdam; leeg = die van de GX",
  "auto.start_delay_s": "Zo lang moet er genoeg overschot zijn voordat het laden begint",
  "auto.min_solar_share_pct": "Zoveel van het kleinste laadvermogen moet de zon geven; 0 = altijd ten minste het minimum",
  "auto.rest_s": "Pauze tussen een einde en de volgende start",
  "phases.auto_switch": "Zelf tussen één en drie fasen kiezen",
  "prices.source": "Waar de prijzen vandaan komen",
  "prices.import_per_kwh": "Vaste prijs van een kWh van het net",
  "prices.feed_in_per_kwh": "Wat een teruggeleverde kWh opbrengt",
  "prices.currency": "Munt van alle prijzen",
  "vehicles.name": "Naam op deze pagina",
  "vehicles.battery_kwh": "Bruikbare inhoud van de batterij; nodig voor alles in %",
  "vehicles.limit_soc_pct": "Hier eindigt het laden; de grens van de auto zelf geldt ook",
};
