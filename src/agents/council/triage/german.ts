import type { Vocabulary } from './vocabulary.ts'

export const german: Vocabulary = {
  functionWords: `
    der die das ein eine einen einem einer eines den dem des und oder ist sind war waren hat haben wird werden
    wurde ich du er sie es wir ihr man mich mir dich dir uns euch mein meine meinen meiner unser unsere nicht
    kein keine was wer wie wo wann warum welche welcher welches zu zum zur im am an auf aus bei mit nach von vor
    fur uber unter bis dass wenn als auch noch nur mal bitte gerade heute hast kann konnte soll sollten wurdest
    gibt in so ab sich habe bin alle
  `,
  letters: /[äöüß„]/i,
  endings: '(e|en|t|et|st|est|n)?',
  cues: {
    greeting: `
      hi hallo hallochen hey servus moin danke vielen_dank danke_dir tschuss guten_morgen guten_tag guten_abend
      gute_nacht wie_geht_es wie_gehts wie_geht's alles_klar schonen_abend schonen_tag bis_bald auf_wiedersehen
      gruss_gott na grussdich freut_mich bis_morgen bis_dann bis_spater ok okay super schones_wochenende
      gute_reise
    `,
    request: `
      bitte kannst_du konntest_du konnten_sie konnen_sie warst_du waren_sie wurdest_du wurden_sie ich_will_dass
      du_sollst seien_sie sei_so ich_mochte_dass magst_du_mir
    `,
    deed: `
      schick+ send+ verschick+ versend+ abschick+ leite_die leite_den leite_das leit_die leit_den weiterleit+
      mail+ informier+ benachrichtig+ verstandig+ buch+ umbuch+ reservier+ bestell+ nachbestell+ kauf+ besorg+
      verkauf+ zahl+ bezahl+ uberweis+ spend+ erstatt+ belast+ verrechn+ investier+ kundig+ stornier+ abbestell+
      abonnier+ verlanger+ anmeld+ abmeld+ meld+ losch+ entfern+ leer+ wirf vernicht+ veroffentlich+ post+
      deploy+ roll+ ausroll+ neustart+ start+ stopp+ beend+ fahr+ herunterfahr+ schalt+ dreh+ dimm+ sperr+
      entsperr+ frier+ offn+ schliess+ aktivier+ deaktivier+ pausier+ spiel+ fuhr+ ausfuhr+ installier+
      aktualisier+ skalier+ entzieh+ gewahr+ beauftrag+ einlad+ erinner+ weck+ verschieb+ verleg+ umleit+
      hochlad+ herunterlad+ druck+ ausdruck+ archivier+ umbenenn+ benenn+ kopier+ sicher+ synchronisier+
      verschlussel+ ruf+ anruf+ antwort+ nimm lehn+ genehmig+ bestatig+ reich+ erhoh+ senk+ hol+ abruf+ abhol+
      uberpruf+ widerruf+ exportier+ importier+ zieh+ stoss+ stell_den stell_die stell_das stell_mir_den setz+
      trag+ leg+ fug+ mach_das mach_die mach_den mach_einen_termin mach_musik lad+ weis+ tausch+ ubergib ander+
      andre raum+ checke_mich lass+ sag_dem sag_der sag_alle sag_ihm sag_ihr sag_den gib_*_bescheid gib_meiner
      gib_meinem gib_dem gib_der gib_die teil_die teile_die teile_den such+ schreib_meiner schreib_meinem
      schreib_der schreib_dem schreib_an verbind+ trenn+ organisier+ vereinbar+ stimm+ beantrag+ leih+ kick+
      bann+ melde_mich nehmt schau+ prufe_ob hang+ anhang+ vermiet+ liefer+ verpack+ saug+ giess+ putz+
      fotografier+ zeichne_die_besprechung aufnehm+ mitschneid+ protokollier+ teile_allen erneuer+ zurucksetz+
      zuruckgeb+ zuruckschick+ hebe_das verbuch+ freigeb+ gib_frei bewirb+ bewerb+ frag+_die frag+_den frag+_in
      frag+_nach unterschreib+ unterzeichn+ verdoppl+ halbier+ schmeiss+ kummer+ kurze_das_video schneid+
      zeig_die_kamera zeig_das_bild kehr+ mah+ koch+ wasch+ wisch+ klingel+ miet+ einlos+ los_den_gutschein
      biet+ tipp+ spul+ pack+ bugel+ gib_ein eintrag+ nachfull+ versteck+ aufbewahr+ anleg+ halt_den halt_die
      halt_an stoppe funk+ lufte heiz+ back_mir koche_mir trockne spul_das schneide_das nimm_*_aus streich_*_von
      meld_*_ab meld_*_an setz_*_auf setz_*_rein stell_*_ein stell_*_auf leg_*_ab leg_*_an zeig_*_kamera
      zeig_mir_die_livekamera los_*_ein lose_*_ein tausche_um gib_*_frei gib_*_auf rechne_*_ab buche_*_ab
      buche_*_um ruf_*_an ruf_*_zuruck sag_*_ab sag_*_zu sag_*_bescheid hol_*_ab bring_*_zur wechs+_fur
      wechsle+_fur wandle+ lass_*_rein schreib_papa schreib_mama
    `,
    handle: `
      mach+ stell+ setz+ leg+ lad+ nimm gib sag+ trag+ such+ pruf+ zeig+ teil+ fuhr+ geh bring hol+ lass an aus
      ein ab auf weg um runter rein raus bescheid ruf+ schreib+ tu zuruck hoch
    `,
    tell: `
      sag_mir nenn+ erklar+ erzahl+ beschreib+ zeig_mir kannst_du_mir_sagen weisst_du gib_mir zahl_auf aufzahl+
      erlauter+_kurz zahl_*_auf nenne_mir nenne_den nenne_die gib_mir_zwei
    `,
    live: `
      jetzt gerade aktuell* heute heutig* momentan im_moment in_diesem_moment im_augenblick zurzeit zur_zeit
      derzeit heute_abend heute_nacht heute_nachmittag in_der_nahe neueste* neue_mails live punktlich noch_offen
      bereitschaft nachste_bus nachste_zug letzte_stand soeben diese_woche
    `,
    feed: `
      wetter regnet regnen regen schneit schneien sonnig windig temperatur nachrichten schlagzeilen spielstand
      kurs kurse preis aktie aktien wechselkurs stau staus verspatung flug fluge zug bus u_bahn s_bahn bahn
      paket streik wahl notdienst offnungszeiten erreichbar erdbeben offen kontostand steht_der fuhrt punktlich
      auslastung warm dax nikkei bitcoin euro pfund pegel angemeldet fahrt verfugbar schnee schlange draussen
      fernsehen platze vorstellung wellen warteschlange
    `,
    date: `
      montag* dienstag* mittwoch* donnerstag* freitag* samstag* sonntag* uhr mittag mitternacht nachste_woche
      nachsten morgen_fruh monatsende halb_* um_sechs um_sieben um_acht um_neun um_zehn januar februar marz
      april mai juni juli august september oktober november dezember
    `,
    mine: `mein meine meinen meinem meiner meines mich mir`,
    we: `
      wir uns unser unsere unseren unserem unserer unseres team firma kunden mitarbeiter leute abteilung betrieb
      start_up verein schule kita klinik
    `,
    thing: `
      mail mails e_mail e_mails postfach kalender wecker timer termin termine besprechung einladung datei
      dateien ordner verzeichnis server rechner testsystem produktion datenbank karte konto konten rechnung
      ticket tickets stromrechnung einkaufsliste abo newsletter haustur licht heizung lampe spulmaschine
      waschmaschine garage kamera repository zweig build release kontakte adressbuch kanal passwort zertifikat
      domain seite webseite webserver papierkorb platte festplatte suchindex pramie budget agent agenten reserve
      alarmanlage slack linkedin whatsapp sms crm csv pdf tabelle laufwerk drucker beamer handy laptop fotos
      taxi kurier hotelzimmer tisch platz paket bestellung aktien euro dollar franken bordkarte nas beleg
      lieferung abbuchung
    `,
    howto: `
      wie_kann_ich wie_kann_man wie_geht_das wie_funktioniert erklar*_*_wie welcher_befehl der_befehl wie_*_ich
      wie_*_man
    `,
    who: `
      wer wann wo wie_viel* wieviel* wie_hoch wie_lang* wie_alt wie_weit wie_heisst wie_heissen wie_lautet
      wie_schnell wie_tief wie_oft wie_spat in_welch* aus_wie auf_welch* wohin welches_jahr zu_welch*
    `,
    whatis: `
      was_ist was_sind was_heisst was_bedeutet was_versteht was_macht was_kostet was_geschah welcher welche
      welches welchen wofur ist_ein ist_eine ist_das gibt_es wie_nennt was_tut was_meint was_kommt was_gehort
      was_behandelt haben_*_* durfen
    `,
    reference: `
      bedeutet heisst steht_fur wofur_steht definition definier* synonym gegenteil plural mehrzahl einzahl
      schreibt_man abkurzung wort worter hauptstadt wahrung symbol zeichen chemische* formel einheit umrechn*
      rechne prozent wurzel erfunden entdeckt* gegrundet autor komponist geboren gestorben kalorien einwohner
      begriff redewendung artikel bundeslander planet planeten mond sonne vitamin tier tiere vogel fisch insekt
      saugetier knochen organ leber herz muskel blut gas metall fluss meer see berg insel land lander buchstabe*
      unterschied richtig korrekt sprache dezimalzahl zahl zahlen grad celsius primzahl konigreich konig kanzler
      bundeskanzler prasident kaiser krieg jahrhundert geschrieben gemalt jahr englisch franzosisch spanisch
      italienisch japanisch latein vorwahl hochste* langste* grosste* zutaten rezept arzt krankheit symptom
      mundet liegt lebt leben_* frisst flagge grenzt port befehl funktion sekunden minuten liter meter kilometer
      gramm steuer verwandt monate oper opern saiten eier wiegt wiegen entstehen fall beispiele ausgestorben
      erfinder entdecker alteste* schnellste* tiefste* kleinste* schwerste* honig milch kase brot butter reis
      weizen salz zucker kaffee tee wein bier wasser eis luft feuer erde mars venus saturn jupiter wal wale hai
      haie schlange schlangen spinne spinnen biene bienen kuh schaf pferd elefant tiger lowe pinguin pinguine
      delfin igel baum blatt blume pflanze pflanzen obst gemuse kartoffel tomate gehirn lunge niere magen haut
      zahn zahne auge augen bakterium bakterien virus zelle eisen kupfer silber gold sauerstoff wasserstoff
      stickstoff kohlenstoff energie kraft geschwindigkeit licht masse volumen flache kreis dreieck kugel winkel
      gleichung bruch parlament verfassung gesetz gericht vertrag reich revolution schlacht religion bibel
      olympisch* weltmeister* spieler mannschaft kontinent wuste grenzen vulkan zeitzone zeitzonen himmel datei
      browser tastatur variable schleife router cookie ip_adresse byte pixel html css python java rust
      javascript sql linux windows excel zimt gewurz feiertag gesetzlich schlafen atmen art arten woher_kommt
      entsteht besteht symptome erkaltung fieber
    `,
    textwork: `
      ubersetz* korrigier* formulier* umformulier* umschreib* fass_* fasse_* zusammenfass* kurz kurze kurzen
      rechtschreibung grammatik hoflich* freundlicher netter alphabetisch* passiv satz satze liste mach_daraus
      mach_aus mach_diese stichpunkt* schreib_den schreib_das setz_die_worter setze_die kommas formlich sortier*
      absatz auf_englisch auf_franzosisch auf_spanisch auf_italienisch ins_englische ins_franzosische
      abwesenheitsnotiz umgangssprach* vergangenheit in_einem_satz in_zwei_satzen verneine verneinung verbessern
      anderes_wort passt_nicht gegenwart zukunftsform grossbuchstaben
    `,
    text: `satz satze text absatz uberschrift mail nachricht brief wort worter titel notiz`,
    work: `
      analysier* analyse bewert* beurteil* entwirf entwerf* entwickl* konzipier* konzept uberwachungskonzept
      beweis* zeige_durch zeige_dass leite_*_her herleit* vergleich* gegenuberstell* gegenuber wage_ab wag_ab
      abwagung abwag* plane planen plan erstell* erarbeit* ausarbeit* arbeite_* erorter* diskutier* untersuch*
      prufe_ob prufe_diese begrund* optimier* schatze schatz argumentier* interpretier* erlauter* lose lose_das
      durchrechn* durchdenk* rechne_mir rechnen gestalt* migrier* ausfuhrlich gewicht* eingrenz* empfiehl
      empfehl* empfiehlst skizzier* berechne bestimm* ordne ordnen finde_den werte_* simulier* uberlege_schritt
      geh_*_durch gehe_* durchgehen stell_einen stell_mir_einen stell_dar darstell* formuliere_eine_richtlinie
      schreibe_eine_technische modellier* hinterfrag* verteidig* beschreibe_ein hilf_mir hilf_uns baue_ich
      lege_dar leg_dar darleg* priorisier* setze_prioritaten stelle_*_gegenuber stell_*_um umstrukturier*
      abschatz* folger* widerleg* erkennen diagnostizier* kritisch kritisier* konstruier* modell
    `,
    depth: `
      vor_und_nachteile vorteile nachteile strategie* architektur risiko risiken folgen schritt schritte
      schritt_fur_schritt im_detail detail szenari* annahme* budget laufzeit algorithmus richtlinie ursache
      ursachen mechanismen anforderung* spezifikation varianten moglichkeiten optionen kosten konsistenz
      hypothesen reihenfolge systematisch realistisch sorgfaltig massnahme* gegenmassnahmen grunde kennzahlen
      phasen zeitplan notfallplan lernplan trainingsplan finanzplan businessplan risikoanalyse testplan
      teststrategie entscheidungsmatrix empfehlung belege argumente nebenkosten zins zinsen liquiditat* haftung
      datenschutz konflikt widerspruch gleichgewicht folgt dafur dagegen spricht fur_und_gegen beiden_seiten
      gegenbeispiele fristen ablauf prioritaten kriterien einwand hebel schwellen nutzen aufwand engpass
      der_reihe_nach gerecht* wahrscheinlichsten ausfall ausfalle fussabdruck position nachhaltig*
      wirtschaftlich
    `,
    decide: `
      sollen_wir sollten_wir soll_ich sollte_ich lohnt lohnt_sich sinnvoll entscheid* wie_sollten wie_konnen_wir
      wie_gehen_wir wie_senken wie_halten_wir wie_migrieren wie_bepreisen wie_verteilt wie_gestalten
      wie_finden_wir wie_wurdest_du ob welche_datenbank welches_soll was_andern_wir oder_kauf leasen_oder
      kaufen_oder bauen_oder in_welcher_reihenfolge was_sollte_zuerst was_zuerst passt_zu_uns was_spricht
      gunstiger was_tue_ich wie_stark mussen_wir muss_sich
    `,
    why: `warum wieso weshalb woran grund`,
    ideas: `
      ideen idee brainstorm* vorschlag vorschlage schlag_mir inspiration inspirier* anregung* kreativ*
      ausgefallen* verruckt* uberrasch* sammle sammeln sammel einfalle einfall denk_dir uberleg_dir
      uberlegen_wir fallt_dir was_konnte was_konnten wie_konnte womit_konnte ins_blaue spinn alles_ist_erlaubt
      offen_fur fur_alles_offen spielerisch* ideen_her empfehlen empfehlung thema themen wendungen lass_uns
      lustige_arten arten ich_suche
    `,
    whatif: `
      was_ware was_wenn wie_ware stell_dir angenommen spekulier* traumen traum was_wurde was_wurden wer_wurde
      wie_sahe wenn_du hatte_man verlaufen zukunft nach_dem_smartphone in_*_jahren im_jahr_* phantasie fantasie
      fabelwesen
    `,
    naming: `name namen spitznamen spitzname slogan slogans titel motto maskottchen erfinde`,
    taste: `
      haltst_du denkst_du glaubst_du meinst_du siehst_du findest_du empfindest_du meinung deiner_meinung
      lieblings* magst_du fur_dich wurdest_du lieber uberbewertet uberschatzt gefallt dein_gefuhl dein_bauch
      hattest_du was_meinst wie_siehst wie_denkst besser gern bedeutet_*_fur_dich unterschatzt das_du_kennst
      sollten_wir_alle
    `,
    superlative: `
      beste besten bester bestes schonste* schoner schonsten coolste* schlimmste* lustigste* am_liebsten
      nutzlichsten angenehmsten am_*sten
    `,
    nice: `
      schon schone schones schoner lustig lustige lustiges lustiger spannend* gemutlich* cool kreative toll nett
      interessant* langweilig ode albern* elegant romantisch murrisch* lebendiger freundlich* ideal* perfekt*
      faszinier* glucklich* angenehm peinlich besonders besonderes gutes hubsch seltsam komisch witzig aufregend
      zauberhaft stilvoll lecker entspannt magisch charmant* lecker* suss* traurig* hubscher warmherzig zart
      luxus seltsam* bizarr* unhoflich hoflich* frohlich poetisch geheimnisvoll beeindruckend unvergesslich
      lacherlich hasslich traumhaft schwierig_schon
    `,
    abstract: `
      liebe gluck seele leben kunst gedicht gedichte lied musik melodie instrument geschichte geschichten film
      filme buch bucher roman romane traum traumbibliothek bibliothek freundschaft freund zuhause humor
      schonheit schicksal stille einsamkeit mut scheitern fehler ehrgeiz geld welt gesellschaft mensch menschen
      maschinen maschine roboter zauberer gespenst gespenster drache wahrheit frieden natur marchen hobby hobbys
      geschenk wochenende urlaub garten balkon podcast museum kostum tattoos hochzeitsrede hochzeit geburtstag
      party fest grammatik reime malen gemalde spiel spiele sport mathematik zufall sonntag sonntagen nachbarn
      abenteuer zeitkapsel freiheit lagerfeuer handschrift bosewicht vampire cafes wolken katze katzen hund
      hunde haustier baum baume meer tradition altern alterwerden lacheln kuche worter winter sommer fruhling
      herbst regen tanz tanzen theater lehrer advent partymotto gedanken witz witze traumberuf schnecke
      leuchtturm leuchtturme talente nachtisch hutehund ratsel legende magie zirkus fruher planeten_fest
    `,
    you: `du dir dich dein deine deinen deiner`,
    conditional: `wurde wurdest wurden konnte konntest konnten sollte sollten ware hatte hattest mochte durfte`,
    followup: `
      nochmal noch_mal noch_einmal wiederhol+ weiter mach_weiter kurzer langer sag_das du_hast_gesagt
      deine_letzte letzte_antwort meine_letzte zuerst_gefragt erste_frage zweite_frage ich_meinte ich_habe_dir
      weisst_du_noch vorhin vorher oben punkt die_zweite der_zweite das_andere wie_meinst wirklich stopp
      ich_heisse wie_ich_heisse ich_wohne ja nein ausfuhrlicher jetzt_auf mach_es wer_bin_ich und_dann und_mein
      und_meine und_ihr und_sein und_nun und_jetzt und_wie und_was was_noch
    `,
    tale: `
      erzahl+ erzahl_mir_eine erzahl_mir_einen schreib_ein_gedicht schreibe_ein_gedicht schreib_eine_geschichte
      geburtstagsgedicht kinderreim gutenachtgeschichte sag_*_auf sing+ zahl_bis zahle_bis zahl_von gedicht
      marchen witz ratsel geschichte_von geschichte_uber
    `,
    choice: `oder versus vs`,
  },
}
