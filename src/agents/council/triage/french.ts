import type { Vocabulary } from './vocabulary.ts'

export const french: Vocabulary = {
  functionWords: `
    le la les l' un une des du de d' et ou est sont etait a ont au aux en dans sur pour par avec sans ce c'
    cette ces cet que qu' qui quoi quel quelle quels quelles comment pourquoi quand je j' tu il elle on nous
    vous ils elles mon ma mes ton ta tes son sa ses notre nos votre vos leur n' ne pas plus me m' te t' se s'
    moi toi lui y si mais plait merci combien
  `,
  letters: /[çèêàùœ«]/i,
  endings: '(e|es|er|ez|ons|ent|ir|is|it|re|s|t|ant)?',
  cues: {
    greeting: `
      bonjour rebonjour bonsoir salut coucou merci au_revoir bonne_journee bonne_soiree bonne_nuit ca_va
      comment_vas_tu comment_allez_vous a_bientot a_plus enchante quoi_de_neuf a_demain a_plus_tard ok parfait
      super d_accord bon_week_end bonne_route
    `,
    request: `
      s'il_te_plait s'il_vous_plait stp svp peux_tu pouvez_vous pourrais_tu pourriez_vous tu_peux vous_pouvez
      tu_pourrais je_veux_que j'aimerais_que auriez_vous_la aurais_tu_la merci_de voudrais_tu veuillez
    `,
    deed: `
      envoi+ envoy+ renvoi+ renvoy+ transfer+ transmet+ expedi+ refai+ reserv+ command+ decommand+ achet+
      rachet+ vend+ vendes pai+ pay+ regl+ vire virer virez verse verser revers+ donne_lui rend_a rends_a
      rembours+ fais_un_don fais_livrer fais_imprimer fais_venir fais_une resili+ annul+ desabonn+ abonn+
      renouvell+ inscris inscri+ desinscri+ supprim+ effac+ vid+ debarrass+ jett+ jet+ deploi+ deploy+ publi+
      post+ diffus+ livr+ redemarr+ demarr+ arret+ tue tuer etein+ allum+ tamis+ ouvr+ ferm+ verrouill+
      deverrouill+ bloqu+ debloqu+ gel+ degel+ suspend+ activ+ desactiv+ coup+ bann+ expuls+ mets_a_jour
      mets_en_pause mets_un mets_le mets_la mets_de mets_du mets_l' remet+ paus+ jou+ lanc+ execut+ install+
      desinstall+ actualis+ fusionn+ revoqu+ retir+ accord+ embauch+ invit+ programm+ planifie_une_reunion
      rappel+ reveil+ ajout+ telecharg+ televers+ export+ import+ imprim+ numeris+ archiv+ renomm+ copi+
      sauvegard+ restaur+ appel+ rappell+ repond+ accept+ refus+ confirm+ approuv+ soumet+ partag+ enregistr+
      deplac+ decal+ report+ augment+ baiss+ mont+ recuper+ consult+ verifi+ signal+ previen+ avis+ inform+
      dis_a dis_lui ecris_a depos+ redirig+ bascul+ echang+ attribu+ declench+ reinitialis+ synchronis+
      reconstrui+ nettoi+ confi+ financ+ passe_le passe_la passe_l' affich+ cherche_des_vols cherche_sur
      trouve_le_train trouve_un_* change_l' connect+ deconnect+ branch+ debranch+ organis+_un joins join+
      regarde_la regarde_si pose_le pose_la cre+_un cre+_une prends_rendez_vous prends_moi prenez_rendez_vous
      conteste ferme_les chiffre migre_l' loue louer arros+ charg+ rechang+ cede_l' vote voter postul+ demande_a
      saisi+ doubl+ sign+ occupe_toi occupez_vous charge_le mets_en_vente mets_300 met_de_cote mets_*_de_cote
      ajoute_la repass+ balay+ cuis+ tond+ rang+_la invest+ place_* loue_la pass+_l_aspirateur
      passe_l_aspirateur regle_le regle_la stopp+ sech+ lav+ cuisine_moi range_le range_la enlev+ rappelle_le
      ecris_lui laisse_entrer fais_entrer mets_*_en_vente mets_*_a_jour mets_*_sur utilis+_mon utilis+_ma
      communiqu+ repouss+ avanc+_la negocie_le genere_le genere_les montre_moi_la_camera etablis_la_facture
      abonne_moi reabonn+ convert+_mes rang+
    `,
    handle: `
      mets met prends fais fait donne passe change cherche trouve ajoute regle lance tire dis ecris remets garde
      monte pose regarde ouvre rends
    `,
    tell: `
      dis_moi donne_moi explique explique_moi cite nomme_les raconte decris peux_tu_me_dire montre_moi sais_tu
      enumere developpe_le precise nomme nommez cite_trois donne_deux
    `,
    live: `
      maintenant en_ce_moment actuel actuelle actuellement aujourd'hui ce_soir ce_matin cet_apres_midi
      cette_nuit du_jour pres_de_moi pres_d'ici proche en_direct la_maintenant encore_ouverts derniers dernieres
      d'astreinte de_garde a_l'heure prochain_bus prochain_train cette_semaine a_present
    `,
    feed: `
      meteo temps_fait pleuvoir pleut neige neige_t_il temperature actualites nouvelles gros_titres score cours
      prix_du bourse action taux_de_change bouchons retard vol vols train bus metro colis greve pharmacie
      horaires en_ligne seisme ouverts solde circule mene cac nikkei bitcoin rempli cloture connecte disponible
      attente a_la_tele vagues places seance dehors epaisseur_de_neige reste_t_il
    `,
    date: `
      lundi mardi mercredi jeudi vendredi samedi dimanche midi minuit semaine_prochaine demain_matin demain
      mois_prochain heures janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    `,
    mine: `mon ma mes moi m'`,
    we: `
      nous notre nos equipe entreprise societe clients salaries service utilisateurs fournisseurs ecole hopital
      creche
    `,
    thing: `
      mail mails courriel boite agenda rendez_vous reveil minuteur reunion reunions invitation fichier fichiers
      dossier repertoire serveur machine machines base production environnement carte compte comptes facture
      billet billets liste_de_courses abonnement abonnes porte lumiere chauffage alarme lave_vaisselle
      lave_linge garage camera depot branche carnet_d'adresses contacts canal mot_de_passe certificat site
      corbeille disque index prime budget agent reserve slack linkedin whatsapp sms crm csv pdf tableau
      imprimante projecteur telephone ordinateur photos taxi coursier chambre table place colis commande actions
      euros dollars virement notifications nas ticket recu livraison debit
    `,
    howto: `
      comment_faire comment_on comment_je comment_se comment_*er comment_*ir comment_*re comment_*_t_on
      comment_*_on comment_dit_on explique*_comment commande_pour quelle_commande
    `,
    who: `
      qui quand ou_est ou_se_trouve ou_se ou_viv* combien tous_les_combien en_quelle_annee quelle_heure quel_age
      depuis_quand a_qui dans_quel* de_quel
    `,
    whatis: `
      quel_est quelle_est quels_sont quelles_sont que_signifie que_veut c'est_quoi qu'est_ce_que qu'est_ce_qu'un
      qu'est_ce_qu'une a_quoi_sert est_ce definis que_fait que_soigne que_mange lequel laquelle de_quoi_s'agit
      on_dit comment_appelle
    `,
    reference: `
      signifie veut_dire definition synonyme contraire antonyme pluriel singulier s'ecrit sigle mot expression
      capitale monnaie symbole chimique formule unite convertis racine invente decouvert fonde auteur
      compositeur ecrit peint mort ne calories habitants difference langue planete lune soleil vitamine animal
      animaux oiseau poisson os organe foie coeur muscle sang gaz metal fleuve mer lac mont ile pays lettre
      nombre nombres decimal masculin feminin correct prononce president roi empereur annee guerre siecle
      premier departements port litre metres litteral degres anglais allemand espagnol italien japonais latin
      hauteur longueur plus_long plus_grand plus_haut fruit insecte ingredients recette medecin maladie symptome
      drapeau secondes minutes jette taxe grammes parentes mois opera operas cordes oeufs pese pond exemples_de
      intrus negative miel lait fromage pain beurre riz ble sel sucre cafe the vin biere eau glace air feu terre
      mars venus saturne jupiter baleine baleines requin requins serpent araignee araignees abeille abeilles
      vache mouton cheval elephant tigre lion manchot manchots dauphin herisson arbre feuille fleur plante
      plantes legume pomme_de_terre tomate cerveau poumon rein estomac peau dent dents oeil yeux bacterie virus
      cellule fer cuivre argent_metal or_metal oxygene hydrogene azote carbone energie force vitesse lumiere
      masse volume surface cercle triangle sphere angle equation fraction parlement constitution loi tribunal
      traite revolution bataille religion bible olympiques coupe_du_monde joueur joueurs continent desert
      frontiere bordent volcan fuseau fuseaux ciel fichier_de navigateur clavier_azerty variable boucle routeur
      cookie adresse_ip octet pixel html css python java rust javascript sql linux windows excel cannelle epice
      coreen symptomes rhume fievre provient fabrique dorment dort mange_t
    `,
    textwork: `
      traduis traduire traduction corrige reformule resume raccourcis fautes poliment polie aimable alphabetique
      passif passe phrase phrases puces transforme liste brievement en_bref orthographe ponctuation
      en_une_phrase en_deux_phrases soutenu trie range mets_cette_phrase mets_ce_message mets_au_passe rends_ce
      message_d'absence ecris_un_message en_italien en_espagnol en_anglais en_allemand ecris_la_date
      forme_negative un_autre_mot au_present au_futur majuscules s_il_te_plait_corrige
    `,
    text: `phrase phrases texte paragraphe titre mail message lettre mot mots note courriel`,
    work: `
      analys+ evalu+ concoi+ concev+ elabor+ developpe_un developpe_une developpe_l' demontr+ demonstration
      montre_que montre_par prouv+ preuve compar+ pes+ planifi+ redig+ etabli+ examin+ discut+ argument+
      justifi+ optimis+ estim+ interpret+ detaill+ propose_des_mesures propose_une_strategie resou+ critiqu+
      dress+ prepar+ determin+ juge juger jugez organise_un esquiss+ construi+ class+ calcul+ simul+ formul+
      comment+_strophe remets_en passe_en_revue reflechis_etape decris_une decris_la recommand+ aide_moi
      aide_nous pas_a_pas trouve_l'erreur trouve_les_dimensions trouve_la_raison compose_un_menu bati+ defend+
      explique_les explique_en_profondeur explique_chaque explique_comment_la model+ ecris_un_plan
      ecris_une_charte fais_le_calcul fais_moi_un_plan expos+ oppos+ mets_au_point fix+_des restructur+ degag+
      reper+ diagnosti+ hierarchis+ priorise deduis deduire procede_avec imagine_un_bareme
    `,
    depth: `
      avantages inconvenients compromis strategie strategies feuille_de_route architecture risque risques
      consequences pas_a_pas etapes etape en_detail en_profondeur detaille scenario scenarios hypothese
      hypotheses budget complexite theoreme algorithme politique cause causes mecanismes specification options
      couts coherence ordre rigoureusement realiste mesures contre_mesures raisonnement raisons facteurs matrice
      plan programme calendrier chiffres tresorerie preuves contradiction conditions seuil seuils sensibilite
      indicateurs responsables delais enjeux biais effets pour_et_contre possibilites recommandation
      recommandations arguments contraintes goulot priorites criteres objection leviers empreinte implique
      demarche effort valeur juste avec_soin probable pannes solidite
    `,
    decide: `
      devons_nous devrions_nous dois_je faut_il vaut_il_mieux vaut_il choisir trancher judicieux comment_reduire
      comment_repartir comment_migrer comment_tarifer comment_passer comment_concevoir comment_garder
      comment_reperer que_changer dans_quel_ordre louer_ou construire_ou location_ou doit_elle doit_choisir
      laquelle_accepter laquelle_revient quelle_base quelle_architecture que_faut_il_changer par_quoi_commencer
      que_faire_etape
    `,
    why: `pourquoi raison raisons`,
    ideas: `
      idee idees brainstorm* suggestion suggestions propose_moi propose_cinq inspiration folles folle originaux
      original originales ludiques rigolotes etonne_moi lance_quelques balance invente reflechissons rassemblons
      trouve_moi que_pourrait que_pourrais_je que_faire pistes propositions bienvenues tout_est_permis
      ouvert_a_tout conseillerais conseiller sujets theme themes rebondissements facons explorons plein_d'idees
      je_cherche vient_a_l'esprit
    `,
    whatif: `
      et_si imagine imaginons suppose supposons que_se_passerait que_serait que_se_serait_il que_diraient
      a_quoi_pourrait a_quoi_ressemblerait ressemblerait si_tu si_les futur avenir revons reve reves
      voyager_dans_le_temps en_2300 qu'ecrirait comment_serait comment_sonnera imaginable imaginer qui_gagnerait
      que_mettrais_tu
    `,
    naming: `nom noms surnom surnoms slogan slogans titre titres devise mascotte accrocheur`,
    taste: `
      penses_tu pensez_vous crois_tu trouves_tu tu_trouves ton_avis votre_avis a_ton_avis selon_toi prefere*
      preferes preferee favori vois_tu point_de_vue dis_tu qu'en_dis_tu que_dis_tu aimes_tu tu_aimes aimerais_tu
      ton_sentiment ton_instinct te_dit pour_toi comment_vois_tu surestime surfait que_penses sentiment
      que_dirais_tu que_tu_connaisses sous_estime surcote tu_en_ferais qu_en_penses_tu
    `,
    superlative: `
      plus_belle plus_beau meilleur meilleure meilleurs pire mieux plus_cool plus_agreable plus_utile plus_d'ame
      plus_d'elegance plus_amusant le_plus la_plus les_plus
    `,
    nice: `
      beau belle drole amusant amusantes agreable joli jolie ludique cool romantique interessant douillette
      elegant tristes triste grognon ideal ideale parfait parfaite fascine heureux chouette sympa originale
      betes apaisant genant particulier special bizarre magique charmant plaisir magiques spacial savoureuse
      savoureux mignon mignonne joliment calme apaiser luxe embellir delicieux bizarres impoli poli joyeux
      poetique mysterieux impressionnant inoubliable ridicule laid reveur terrible
    `,
    abstract: `
      amour bonheur ame vie art poeme poemes chanson musique melodie instrument histoire histoires film films
      livre livres roman romans bibliotheque reve amitie ami amie humour beaute destin silence solitude courage
      echec erreurs ambition argent monde societe humain gens machines machine robot magicien fantome fantomes
      dragon verite paix nature conte loisirs passe_temps cadeau week_end vacances jardin balcon salon podcast
      musee costume discours mariage anniversaire fete grammaire peinture peindre jeux jeu sport echecs
      mathematiques chance dimanche dimanches tortue pizza voisins capsule liberte feux_de_camp ecriture mechant
      vampires cafes nuages chat chats chien chiens arbre arbres mer tradition vieillir sourire cuisine mots
      hiver ete printemps automne pluie danse danser theatre professeur avent pensees luxe blague blagues
      metier_de_tes_reves escargot phare phares talents dessert chien_de_berger enigme legende magie cirque
      autrefois
    `,
    you: `tu toi te ton ta tes vous votre vos t'`,
    conditional: `
      pourrait pourrais pourraient pourrions serait serais seraient devrait devrais aurait aurais ferais irais
      faudrait mettrait mettrais gagnerait
    `,
    followup: `
      encore repete repeter redis redis_le continue poursuis plus_court plus_long tu_as_dit ta_derniere
      derniere_reponse ma_derniere ma_premiere premiere_question je_voulais_dire je_t'ai te_souviens_tu
      te_rappelles_tu tout_a_l'heure ci_dessus point le_deuxieme la_deuxieme l'autre comment_ca vraiment stop
      je_m'appelle mon_nom j'habite oui non plus_en_detail maintenant_en rallonge qui_suis_je je_parlais
      derniere_ligne et_apres et_mon et_ma et_son et_sa et_maintenant et_quel quoi_d'autre
    `,
    tale: `
      raconte raconte_moi raconte_l'histoire ecris_un_poeme ecris_une_histoire ecris_un_conte recite chante
      compte_jusqu'a compte_a poeme comptine devinette blague conte histoire_de histoire_d'un
    `,
    choice: `ou versus vs`,
  },
}
