import type { Vocabulary } from './vocabulary.ts'

export const english: Vocabulary = {
  functionWords: `
    the a an of to in is are was were do does did and or for on with that this these those it its what who how
    why when where which would could should can will i you he she we they my your our their me us not no any
    some at by from if as be been have has had there here about into than then so but let's please what's i'm
    don't it's i'd i've every much many
  `,
  letters: /(?!)/,
  endings: '(s|ing|ed)?',
  cues: {
    greeting: `
      hi hello hey hiya howdy thanks thank_you cheers bye goodbye good_morning good_evening good_night
      good_afternoon see_you welcome how_are_you how's_it_going what's_up nice_to_meet_you take_care greetings
      ok okay goodnight see_you_tomorrow nice_talking have_a_nice have_a_good good_to_see again haha
    `,
    request: `
      please can_you could_you would_you will_you can_u could_u would_you_mind i_need_you i_want_you
      i'd_like_you i_would_like_you pls plz go_ahead be_so_kind possibly have_you
    `,
    deed: `
      send resend forward email mail text message notify inform alert warn tell_him tell_her tell_them tell_the
      let_the let_my let_everyone book rebook reserve order reorder buy purchase sell pay repay wire transfer
      withdraw deposit donate refund reimburse charge bill invoice tip bid invest lend cancel unsubscribe
      subscribe renew register sign_me sign_up enrol enroll rsvp delete remove erase wipe empty purge get_rid
      throw_out trash deploy redeploy publish unpublish post repost release roll_out roll_back rollback revert
      restart reboot reset stop kill abort terminate shut_down power_off boot turn_on turn_off turn_down turn_up
      turn_the switch dim lock unlock block unblock freeze unfreeze suspend ban kick evict enable disable
      activate deactivate mute unmute silence snooze pause resume play skip stream shuffle run execute trigger
      launch invoke install uninstall upgrade patch scale provision merge commit push rotate revoke grant assign
      reassign delegate hire fire dismiss invite uninvite schedule reschedule postpone remind wake upload
      download export import print scan archive unarchive rename relocate back_up restore rebuild reindex mount
      open close shut call ring dial phone reply respond answer_the accept decline reject approve confirm submit
      ship deliver redirect swap exchange increase raise lower decrease fetch look_up crawl scrape ping poll
      track sync synchronise synchronize compress encrypt decrypt log_me log_out log_in check_in check_out
      top_up claim hand_over retire fund vote pull take_down connect disconnect pair unpair attach detach record
      arrange organise_a fill_out fill_in transmit broadcast tweet share unshare follow unfollow like_the pin
      label_the tag charge_my start_a start_the start_my start_recording set_the set_my set_a set_an put_the
      put_my put_on have_the make_a_payment make_an_appointment make_a_reservation make_the get_me grab dispatch
      escalate feed_the water_the clean_up clear_the move_the move_my move_all add_a add_the add_to create_a_new
      create_an_account create_a_ticket create_a_calendar write_to_the give_agent give_him give_her change_my
      change_the update_the update_my raise_the find_me find_a look_at_the check_the check_my check_whether
      check_if sign_the double_the hide_my hoover vacuum water_my enter_the apply_for_the apply_the point_the
      load trim_the crop resize convert_the_file hang_up bring_up sweep mow iron_my unpack fold_the cook
      start_the_dishwasher knock press set_aside report_the throw_the throw_away look_after ask_the
      use_the_voucher rent lease_a hold_the kindly discard flush rebase cherry_pick bump_the lint_the restock
      reimport cash_in redeem land_the lock_up hoist dry rinse heat cool_down warm_up brew bake_me_a air grill
      preheat bump squash onboard offboard issue_the countersign remit settle_the top_off refill replenish
      pick_up drop_off collect_my hail summon usher let_him let_her let_me_in put_up take_out bring_in carry_out
      set_off switch_to hook_up clock_me punch_me page_the patch_through forward_all auto_reply bcc queue_up
      schedule_a line_up
    `,
    handle: `
      set put make take get give turn bring add change move start create update find check search see look go
      let tell ask leave hold keep pick show copy drop clear clean place hand lift lay file use apply
    `,
    tell: `
      tell_me give_me name list explain describe show_me remind_me_what could_you_tell can_you_tell do_you_know
      i_forgot enumerate state specify expand spell_out i_wonder clarify name_the name_two name_three name_four
      name_five name_some list_the list_all give_two give_three give_the
    `,
    live: `
      now right_now currently current today today's tonight latest newest at_the_moment at_this_moment
      at_present this_morning this_afternoon this_evening this_minute this_instant live near_me nearby so_far
      up_to_date real_time still_open yet trending on_time just_now next_bus next_train most_recent as_of
      this_week
    `,
    feed: `
      weather forecast rain raining rainy snow snowing sunny windy temperature degrees_outside news headline*
      score scores price_of prices rate traffic delay* delayed flight flights train trains bus tram parcel
      shipment strike election earthquake* open online offline status balance stock* market exchange winning
      uptime latency humidity pollen tide logged_in available vacancies queue nikkei dax nasdaq dow bitcoin
      ethereum crypto shares exchange_rate who's_winning breaking waves outside on_tv seats_left stock_of
      in_stock playing
    `,
    date: `
      monday* tuesday* wednesday* thursday* friday* saturday* sunday* tomorrow o'clock noon midnight next_week
      next_month am pm tonight deadline january february march april june july august september october november
      december
    `,
    mine: `my me mine myself`,
    we: `
      we our us team company firm business customers clients employees staff department startup users suppliers
      organisation organization school hospital office
    `,
    thing: `
      mail mails e_mail email inbox mailbox calendar reminder alarm timer thermostat appointment meeting
      invitation invitations file files folder directory backup server servers machine machines database
      production staging cluster card account accounts invoice bill ticket tickets contact contacts address_book
      shopping_list subscription newsletter door lights light heating lamp dishwasher washing_machine oven
      garage camera branch repo repository pull_request build release token password certificate domain site
      website cache logs disk index bounty budget agent agents reserve vault channel chat wiki firewall
      container pod replica slack linkedin whatsapp sms crm csv pdf spreadsheet sheet drive printer projector
      phone laptop photos taxi courier flight hotel room table seat parcel order shares payment dollars euros
      pounds receipt delivery transaction
    `,
    howto: `
      how_do_i how_do_you how_do_we how_does_one how_do_people how_to how_can_i how_would_i how_can_you
      how_can_one how_can_someone how_would_one explain_how what's_the_command which_command command_to
      command_for what_command way_to_say
    `,
    who: `
      who who's whose when where in_which what_year which_year how_many how_much how_long how_tall how_old
      how_far how_high how_deep how_fast how_big how_hot how_often what_time which_letter which_country
      which_city which_planet which_element which_language
    `,
    whatis: `
      what's whats what_is what_are what_was what_were what_does what_do what_did what_is_meant which_is
      which_of which_came define what_colour what_color what_kind what_type is_it_true
    `,
    reference: `
      mean means meant meaning stand_for stands_for definition synonym antonym opposite plural singular spell
      spelled pronounce* acronym abbreviation word phrase capital currency symbol formula unit convert percent
      boiling freezing square_root root invented discovered founded author composer wrote painted composed
      directed starred born died calories population chemical element planet planets moon sun atomic vitamin
      protein animal animals bird birds fish insect mammal reptile bone bones organ liver heart muscle blood gas
      metal river ocean sea lake mountain island continent* country countries state difference_between called
      default legal language code tense verb noun adjective letter letters alphabet decimal number numbers sum
      difference term correct translation prime roman pronounced king queen president emperor prime_minister war
      century year ingredients ingredient recipe doctor treat symptom disease side_do drive_on located flag
      anthem bordering border eat contain live_in made_of function_of degrees inches feet miles metres meters
      pounds_in litres gallons japanese italian french spanish german latin greek port command syntax function
      keyword team_sport sport played largest smallest highest longest deepest oldest fastest heaviest egg eggs
      related egyptian founded_in months days opera operas books_of instrument strings keys inventor discoverer
      honey milk cheese bread butter rice wheat salt sugar coffee tea wine beer water ice air fire earth mars
      venus saturn jupiter whale whales shark sharks snake snakes spider spiders bee bees ant ants cow cows
      sheep horse elephant tiger lion penguin penguins dolphin tree leaf flower plant plants seed fruit
      vegetable potato tomato brain lung kidney stomach skin tooth teeth eye eyes bacteria virus cell dna gene
      iron copper silver gold oxygen hydrogen nitrogen carbon energy force speed light mass volume area circle
      triangle sphere angle equation theorem_of prime_number integer fraction parliament constitution law court
      treaty empire dynasty revolution battle civil_war religion bible quran olympic world_cup player players
      team goals stringed museum_is_in continent desert borders volcano earthquake_is capital_of flag_of
      time_zone time_zones currency_of password file browser keyboard shortcut screenshot variable loop
      function_in compiler router modem cookie ip_address bandwidth byte bytes kilobyte pixel
      spreadsheet_formula regex html css python java rust javascript sql linux windows excel nginx git made_from
      come_from comes_from consist species sleep breathe lay lives habitat lifespan vertebrate
    `,
    textwork: `
      translate translation rewrite rephrase reword paraphrase proofread spell_check spellcheck correct fix
      polish grammar typos punctuation comma summarise summarize shorten condense politely polite friendlier
      bullet bulleted alphabetical* passive turn_this turn_the make_this make_it put_this put_the sort one_line
      two_line one_sentence two_sentences single_sentence in_one in_two briefly formal plain_language
      plain_english into_french into_german into_spanish into_italian into_dutch into_english in_french
      in_german in_spanish in_italian in_dutch short_note note thank_you gap past_tense edit_this negative
      missing commas past_perfect present_tense odd_one_out correct_the active_voice lowercase uppercase
      capitalise capitalize sentence_with
    `,
    text: `sentence sentences text paragraph headline email note reply wish message letter word words title`,
    work: `
      analyse analyze analysis evaluate assess design prove proof disprove derive compare comparison contrast
      weigh plan develop devise outline draft sketch discuss examine diagnose optimise optimize optimal estimate
      justify argue argument critique critically critical appraisal review work_out work_through walk_me lay_out
      set_up_a reason figure_out construct map_out break_down interpret model simulate recommend propose
      determine solve investigate refactor restructure show_that structure reduce mitigate migrate outweigh
      put_together reconstruct trace demonstrate calculate explain_in explain_why explain_the explain_how
      explain_thoroughly synthesise deduce infer verify_that go_through think_through help_me_decide help_us
      come_to_a_conclusion defend rank generalise build_a build_an write_a_detailed write_a_policy
      write_a_technical write_a_thorough write_up set_out find_the_flaw find_an_optimal find_the_most_likely
      explore_the_trade dissect judge elaborate conceive formulate prioritise prioritize forecast_the apply_them
      detect troubleshoot debug audit hypothesise describe_a_method describe_how
    `,
    depth: `
      trade_off* tradeoff* pros_and_cons pros advantages disadvantages strategy strategies roadmap architecture
      risk risks implication* step_by_step step_after_step in_detail in_depth detailed thorough thoroughly
      carefully scenario* assumption* complexity theorem algorithm migration policy framework root_cause causes
      factors mechanism* consequences requirements specification constraint* evidence options alternatives
      schema long_term cost costs fault_tolerant distributed consistency throughput latency compliance
      hypotheses order systematic* realistic sensitivity reasons reasoning recommendation concept programme
      phases indicators matrix measures break_even regulation* liability workflow incentives pitfalls conditions
      limits interact* timetable timeline schedule curriculum budget edge_cases security conflict_rules failure
      failures both_sides for_and_against step steps robust defensible priorities criteria objection levers
      threshold* equilibrium stakeholders governance resilience scalability bottleneck countermeasures footprint
      sustainable revenue funding effort fair fairest effective efficiently likely
    `,
    decide: `
      should_we should_i should_the should_our should_a is_it_worth is_it_wise is_it_better worth_it decide
      decision better_off better_deal best_way best_strategy smartest choose choosing choice_between
      has_to_choose pick whether how_should how_would_you what_should_we what_should_i_do what_should_change
      which_one_should first_move buy_or lease_or which_cloud which_database which_data which_supplier
      most_robust most_sensible torn_between what_goes_first how_strong_is where_do_we_start which_one_is
    `,
    why: `why reason reasons cause`,
    ideas: `
      idea ideas brainstorm* suggest suggestion suggestions inspir* inspiration options any_thoughts throw toss
      come_up think_up collect collecting open_to any_direction wild crazy offbeat playful unusual surprising
      creative creatively prompts themes theme topics twist twists alternative_endings surprise_me pitch let's
      lines_of_thought comes_to_mind recommend recommendations what_could what_can_be how_could_we ways_of
      ways_to funny_ways different_ways possible looking_for_a help_me_find
    `,
    whatif: `
      what_if imagine suppose supposing speculate what_would what_might how_might how_would if_you_could
      if_you_were if_you_had if_colours if_animals would_happen would_change who_would had_never future
      in_100_years in_the_year hypothetically dream wonder wondering pretend would_life
    `,
    naming: `names nickname* slogan* title titles motto mascot catchy name_for names_for call_my`,
    taste: `
      think_of think_about you_think do_you_think do_you_prefer do_you_like do_you_believe do_you_find
      do_you_reckon you_reckon you_make_of your_take your_opinion in_your_opinion your_view in_your_view
      your_thoughts your_feeling your_gut your_ideal to_you for_you favourite favourites favorite favorites
      opinion opinions prefer rather thoughts perspective* view overrated underrated would_you_rather
      how_do_you_see what's_your believe_in you_find do_you_feel you_feel what_do_you_feel mean_to_you
      mean_for_you you_know anyone
    `,
    superlative: `
      best greatest coolest nicest funniest worst most_beautiful most_fun most_romantic most_interesting
      most_fascinating most_pleasant better cooler nicer greater prettiest loveliest weirdest most_like
    `,
    nice: `
      cool fun funny nice beautiful cosy cozy silly pretty romantic interesting fascinating elegant boring bored
      dull happy happier sad lovely charming perfect good pleasant moody weird strange creepy okay kind fresh
      colourful style special exciting awkward comforting gentle magical quirky stylish awesome amazing
      delicious relaxing memorable clever adorable tasty tastiest prettier cute tender calm calms calmer
      favourite luxury worth odd rude polite cheerful unforgettable joyful poetic mysterious impressive
      inspiring lovable ugly dreamy ridiculous
    `,
    abstract: `
      love happiness luck soul life art artist poem poems poetry song songs music soundtrack instrument melody
      story stories tale tales novel film films movie movies dream dreams friendship friend home humour beauty
      fate silence loneliness courage mistakes ambition money world society humans people machines creativity
      imagination childhood memory god god's religion freedom truth peace nature spirit symbolism fairy fantasy
      mythical superhero* wizard robot ghost ghosts dragon party gift present hobby hobbies weekend holiday
      holidays garden balcony decorate podcast museum costume tattoo library painting paint essay games game
      sport neighbour neighbours adventure festival anniversary wedding speech birthday celebrate aliens prank*
      sundays campfire campfires handwriting villain vampires cafe cafes clouds cat cats dog dogs pet pets tree
      trees sea tradition younger_self growing_old camp toast lazy words toys colours colors winter summer
      spring autumn rain snowflake dance dancing theatre cuisine joke jokes colour planet_of lighthouse
      lighthouses snail robots supermarket_be zoo talents icebreakers dessert sheepdog months past dream_job
      puns riddle riddles legend magic
    `,
    you: `you your yourself you'd`,
    conditional: `would could might i'd you'd`,
    followup: `
      again repeat once_more continue go_on shorter longer say_that you_said you_just_said your_last_answer
      last_answer my_last my_first last_question i_told_you i_mentioned i_meant i_asked i_ask remember previous
      above earlier the_first_one the_second_one the_other_one third_point second_step what_about
      how_do_you_mean really stop my_name is_called i_am i_live yes no in_more_detail now_in make_it who_am_i
      and_then and_my and_her and_his and_now and_today and_yours what_else and_how and_what so_what
    `,
    tale: `
      tell_me_a tell_us_a tell_a write_a_poem write_a_birthday_poem write_a_limerick write_a_haiku write_a_story
      write_a_short_story write_a_song write_a_letter write_a_long_letter write_me_a recite sing count count_to
      poem limerick haiku nursery_rhyme riddle joke bedtime_story fairy_tale short_story long_story ghost_story
    `,
    choice: `or versus vs`,
  },
}
