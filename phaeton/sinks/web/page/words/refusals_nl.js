// Wat Phaeton weigert, per code; {naam} is een waarde.

export default {
  wrong_password: "het wachtwoord klopt niet",
  no_password: "er is nog geen wachtwoord: stel er een in met “phaeton password” op het apparaat zelf",
  too_often: "te vaak geprobeerd; probeer het over {seconds} s opnieuw",
  fixed_phases: "bij deze lader zijn de fasen niet te kiezen",
  configured: "er is al een lader ingesteld; de instellingen wijzigen die",
  searching: "er wordt al gezocht",
  config_changed: "iemand anders heeft de configuratie intussen gewijzigd: lees haar opnieuw",
  config_unkept: "de configuratie van deze Phaeton wordt niet bewaard",
  current_range: "de stroom moet tussen 0 en {most_a} A liggen",
  energy_range: "de energie moet boven 0 en hoogstens 1000 kWh zijn",
  power_range: "het vermogen moet tussen 0 en 100000 W liggen",
  until_range: "het tijdstip moet in de toekomst liggen, binnen een week",
  soc_range: "de lading moet tussen {least_pct} en 100 % liggen",
  departure_range: "het vertrek moet in de toekomst liggen, binnen twee weken",
};
