import type { Vocabulary } from './vocabulary.ts'

export const spanish: Vocabulary = {
  functionWords: `
    a e he has soy estoy ser hacer algo eso aqui cada dos tres quiero puedes sin el la los las un una unos unas
    de del al y o es son era fue ha han hay en con por para sobre que quien cual cuales como cuando donde porque
    yo tu ella nosotros ellos mi mis tus su sus nuestro nuestra nuestros no mas me te se lo le les nos si pero
    este esta estos estas ese esa muy ya ahora hoy favor gracias cuanto cuantos cuanta cuantas tiene tengo
  `,
  letters: /[ñ¿¡]/i,
  endings: '(a|e|o|ar|er|ir|as|es|an|en|amos|emos|ad|ed|id|ando|iendo)?(me|te|se|nos|le|les)?(lo|la|los|las)?',
  cues: {
    greeting: `
      hola gracias muchas_gracias adios hasta_luego buenos_dias buenas_tardes buenas_noches que_tal como_estas
      como_andas como_va buen_dia ey nos_vemos hasta_pronto encantado saludos hasta_manana hasta_otra vale
      perfecto buen_finde que_vaya_bien
    `,
    request: `
      por_favor puedes podrias puede podria me_puedes seria_tan me_pides quiero_que quisiera_que te_pido
      haz_el_favor me_haces
    `,
    deed: `
      envi+ reenvi+ mand+ encarg+ pide_* pideme compr+ vend+ pag+ abon+ transfier+ transfer+ don+ devuelv+
      reembols+ cancel+ anul+ suscrib+ renuev+ renov+ apunt+ inscrib+ borr+ elimin+ suprim+ vaci+ quit+ tira_los
      despleg+ desplieg+ public+ difund+ reinici+ arranc+ inici+ deten+ para_el mata mat+ apag+ enciend+ encend+
      cierr+ cerr+ abr+ bloque+ desbloque+ congel+ suspend+ expuls+ activ+ desactiv+ silenci+ paus+ reanud+
      pon_una pon_jazz pon_musica pon_la_alarma ponme reproduc+ ejecut+ lanz+ instal+ desinstal+ actualiz+
      escal+ fusion+ revoc+ reviert+ dale dale_al contrat+ invit+ agend+ program+ recuerdame recuerda+ despiert+
      anad+ agreg+ cre+_un cre+_una crea sub+ baj+ descarg+ export+ import+ imprim+ escane+ archiv+ renombr+
      copi+ restaur+ haz_una_copia haz_ahora haz_el guard+ llam+ respond+ contest+ acept+ rechaz+ confirm+
      aprueb+ aprob+ compart+ muev+ mov+ aument+ busca_vuelos busca_el busca_un busca_una busca_en_internet
      consult+ comprueb+ comprob+ entra_en escribele escribe_al escribe_a avis+ tramit+ inform+ redirig+
      cambia_el cambia_la cambiame cambi+_mi asign+ dispar+ restablec+ sincroniz+ reconstruy+ limpi+ encomiend+
      financi+ pasa_el pasa_la deja_el deja_la conect+ desconect+ atenu+ ajust+ saca sac+ consigu+ reserv+
      recuper+ adjunt+ grab+ organiza_un organiza_una mira_la mira_el mira_si da_de di_al diles dile entreg+
      retir+ vot+ alquil+_un carg+ rieg+ cifra_el conced+ despid+ firm+ traslad+_la present+_mi pregunta_en
      pregunta_a met+_la duplic+ recort+ apart+ ocupate carga_el pon_a_la_venta muestra_la muestra_el plancha
      barre cocina_la friega alquil+ puja puj+ invert+ inviert+ aplic+ aspir+ tir+_los para_la seca lav+
      cocin+_me recoge_la recoge_el saca_a quita_a usa_mi usa_el canje+ comunic+ retras+ adelant+_la genera_la
      genera_las ensename_la_camara suscribeme pasame dale_un pon_el_horno pon_el pon_la deja_entrar haz_pasar
      convert+_mis cort+_el
    `,
    handle: `
      pon pone haz da di deja pasa saca cambia busca toma coge mete quita anade lleva pide trae escribe conecta
      mira abre
    `,
    tell: `
      dime dame explica explicame nombra_los cuentame describe ensename muestrame puedes_decirme sabes enumera
      indica nombra di_el da_dos
    `,
    live: `
      ahora ahora_mismo actual actualmente hoy esta_tarde esta_noche esta_manana en_este_momento
      en_este_instante cerca_de_mi cercano por_aqui en_directo de_guardia ultimas ultimos siguen_abiertas nuevos
      puntual proximo_autobus proximo_tren esta_semana
    `,
    feed: `
      tiempo_hace llover llueve lloviendo nieva nevando temperatura noticias titulares marcador precio_de bolsa
      acciones tipo_de_cambio atascos retraso vuelo vuelos tren autobus metro paquete huelga farmacia horario
      en_linea terremoto abiertas saldo ganando ibex nikkei bitcoin lleno esta_el_euro a_cuanto cerro_hoy
      conectado disponible nieve cola en_la_tele olas asientos funcion fuera quedan
    `,
    date: `
      lunes martes miercoles jueves viernes sabado domingo mediodia medianoche semana_que_viene manana
      mes_que_viene a_las enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
      diciembre
    `,
    mine: `mi mis mio me`,
    we: `
      nosotros nuestro nuestra nuestros nuestras nos equipo empresa clientes empleados usuarios proveedores
      somos tenemos colegio hospital guarderia
    `,
    thing: `
      correo correos buzon calendario cita alarma temporizador reunion reuniones invitacion archivo archivos
      carpeta directorio servidor maquina maquinas base produccion entorno tarjeta cuenta cuentas factura
      billete entradas lista_de_la_compra suscripcion suscriptores puerta luz calefaccion lavavajillas lavadora
      garaje camara repositorio rama contrasena certificado contactos canal web papelera disco indice recompensa
      presupuesto agente reserva slack linkedin whatsapp sms crm csv pdf hoja impresora proyector telefono
      portatil movil fotos taxi mensajero habitacion mesa paquete pedido acciones euros dolares notificaciones
      nas incidencia recibo entrega cargo
    `,
    howto: `como_se como_puedo como_*o como_hacer explica*_como que_comando comando_para`,
    who: `
      quien quienes cuando donde cuanto cuanta cuantos cuantas cada_cuanto en_que a_quien por_que_lado que_hora
      que_edad
    `,
    whatis: `
      cual_es cuales_son que_es que_son que_significa* que_quiere para_que_sirve que_hace define que_diferencia
      que_paso se_dice se_escribe es_correcto que_hay que_trata que_come que_lleva como_se_llama
    `,
    reference: `
      significa significan quiere_decir definicion sinonimo antonimo contrario plural singular sigla palabra
      expresion capital moneda simbolo quimico formula unidad convierte raiz invento descubrio fundo autor
      compositor escribio pinto nacio murio calorias habitantes diferencia idioma planeta luna sol vitamina
      animal animales pajaro pez huesos hueso organo higado corazon musculo sangre gas metal rio mar lago monte
      isla pais letra letras numero numeros decimal masculino femenino correcto pronuncia presidente rey
      emperador ano guerra siglo primer primera provincias puerto litro metros ingles frances aleman italiano
      japones latin altura lados mas_largo mas_grande mas_alto fruta insecto termino ingredientes receta medico
      enfermedad sintoma bandera segundos minutos desemboca impuesto cria gramos parientes meses opera operas
      cuerdas huevos pesa ave ejemplos_de modo_verbal miel leche queso pan mantequilla arroz trigo sal azucar
      cafe te_verde vino cerveza agua hielo aire fuego tierra marte venus saturno jupiter ballena ballenas
      tiburon tiburones serpiente arana aranas abeja abejas vaca oveja caballo elefante tigre leon pinguino
      pinguinos delfin erizo arbol_de hoja flor planta plantas verdura patata tomate cerebro pulmon rinon
      estomago piel diente dientes ojo ojos bacteria virus celula hierro cobre plata oro oxigeno hidrogeno
      nitrogeno carbono energia fuerza velocidad luz masa volumen superficie area circulo triangulo esfera
      angulo ecuacion fraccion parlamento constitucion ley tribunal tratado revolucion batalla religion biblia
      olimpicos mundial jugador jugadores continente desierto frontera limita volcan huso husos cielo navegador
      teclado_qwerty variable bucle router_domestico cookie direccion_ip byte pixel html css python java rust
      javascript sql linux windows excel canela especia coreano sintomas resfriado fiebre de_donde_viene procede
      caduca duermen duerme
    `,
    textwork: `
      traduce traducir traduccion corrige reformula resume acorta ortografia educacion educada amable
      alfabeticamente pasiva pasado frase frases lista conviertelo brevemente en_pocas_palabras gramatica
      ordena_de ordena_alfabeticamente pon_las_comas pon_esta_frase pasalo escribelo redacta_un_aviso aviso
      haz_este_mensaje en_italiano en_ingles en_frances en_aleman escribe_la_fecha convierte_la_frase
      en_dos_frases en_una_frase en_negativo otra_palabra en_futuro mayusculas
    `,
    text: `frase frases texto parrafo titular correo mensaje carta palabra palabras nota aviso`,
    work: `
      analiz+ evalu+ disen+ desarroll+ elabor+ demuestr+ demostr+ demostracion prueba_que deriv+ deduc+ deduz+
      compar+ sopes+ planific+ redacta_un_plan examin+ discut+ argument+ justific+ optimiz+ estim+ interpret+
      detall+ propon_una_estrategia propon_medidas resuelv+ resolv+ valora+ traz+ prepar+ determin+ juzg+
      ponder+ calcul+ esboz+ construy+ ordena_los simul+ formul+ comenta repas+ piensa_paso describe_un
      describe_el_metodo recomiend+ ayudame_a_decidir ayudame_a_pensarlo ayudame_a_acotar ayudame
      encuentra_el_error hall+ revisa_esta define_una pon_en_orden defiend+ cuestion+ model+
      escribe_una_especificacion escribe_un_plan escribe_una_normativa haz_un_analisis haz_las_cuentas
      hazme_un_plan explica_a_fondo explica_los explica_cada explica_como expon expong+ contrapon idea_un
      idea_una fija_prioridades prioriz+ reestructur+ senal+ detect+ diagnostic+ ve_con_cuidado busca_la_razon
      critic+ argumentacion
    `,
    depth: `
      ventajas desventajas compromisos estrategia estrategias hoja_de_ruta arquitectura riesgo riesgos
      consecuencias paso_a_paso paso_por_paso pasos paso a_fondo detallado escenario escenarios hipotesis
      supuesto presupuesto complejidad teorema algoritmo politica causa causas mecanismos especificacion
      opciones costes coherencia orden rigor realista medidas contramedidas razonamiento razones factores matriz
      plan programa calendario cifras flujo_de_caja pruebas contradiccion condiciones equilibrio sensibilidad
      indicadores responsables plazos efectos sesgos a_favor_y_en_contra recomendacion recomendaciones
      argumentos alternativas cuello_de_botella completo prioridades criterios objecion palancas huella umbrales
      esfuerzo valor justa probable fallos metodo supone
    `,
    decide: `
      deberiamos debemos deberia debo conviene merece_la_pena elegimos elegir decidir decidimos sensato
      como_reducimos como_repartir como_migramos como_fijar como_bajamos como_disenar como_mantenemos
      como_detectarias que_cambiamos que_deberiamos en_que_orden alquilar_o construir_o renting_o compensa
      que_base cual_acepto cual_sale amortizo_o por_donde_empezar debe que_va_primero tenemos_que
      tiene_que_elegir que_hago_paso
    `,
    why: `por_que razon razones`,
    ideas: `
      idea ideas sugerencia sugerencias sugiereme lluvia_de_ideas inspiracion locas locuras originales
      sorprendeme lanzame inventa pensemos juntemos se_te_ocurre que_podria que_podriamos que_se_podria que_hago
      suelta propuestas vale_todo acepto_de_todo cuanto_mas_variado recomiendas propon_nombres propon_cinco
      temas tema giros maneras formas exploremos ocurrencias algo_gracioso busco te_viene
    `,
    whatif: `
      y_si imagina imaginemos supon supongamos que_pasaria que_habria que_dirian que_haria como_seria
      como_podria como_sonara como_se_pintaria si_fueras si_los futuro sonemos suenos viajar_en_el_tiempo
      en_2300 que_escribiria que_harias que_meterias quien_ganaria hubiera adonde_irias
    `,
    naming: `nombre nombres apodo apodos eslogan eslogans esloganes titulo titulos lema mascota pegadizo`,
    taste: `
      opinas piensas crees tu_opinion favorito favorita preferido preferirias lo_ves como_lo_ves punto_de_vista
      te_gusta te_gustaria te_parece tu_que tu_que_dices que_me_dices segun_tu para_ti sobrevalorado
      en_tu_opinion tu_que_sientes opinion que_sientes que_dices te_dice que_conoces subestima subestimado
      monumento_mas tu_que_harias
    `,
    superlative: `
      mas_bonito mas_bonita mejor mejores peor mas_chula mas_agradable mas_util mas_alma mas_elegancia
      mas_divertido mas_divertidas el_mas la_mas los_mas las_mas tiene_mas
    `,
    nice: `
      bonito bonita gracioso graciosas divertido divertidas divertida agradable incomodo chulo chula romantico
      interesante acogedora elegante triste aburrido aburridas grunon ideal perfecto perfecta fascina feliz
      tontas bien raro especial detalle magico encantador magicas magicos encanto rica rico tierna tierno calma
      tranquilo lujo delicioso raras raros mala_educacion educado alegre poetico misterioso impresionante
      inolvidable ridiculo feo sonador
    `,
    abstract: `
      amor felicidad alma vida arte poema poemas cancion musica melodia instrumento historia historias pelicula
      peliculas libro libros novela novelas biblioteca sueno amistad amigo amiga humor belleza destino silencio
      soledad fracaso errores ambicion dinero mundo sociedad humano gente maquinas maquina robot mago fantasma
      fantasmas dragon verdad paz naturaleza cuento cuentos aficiones pasatiempo regalo finde vacaciones jardin
      balcon salon podcast museo disfraz discurso boda cumpleanos fiesta gramatica pintar juego jugar deporte
      ajedrez matematicas suerte domingo domingos tortuga pizza vecinos capsula libertad hogueras letra_a_mano
      villano vampiros cafes nubes gato gatos perro perros arbol arboles tradicion hacerse_mayor sonreir cocina
      palabras invierno verano primavera otono lluvia bailar baile teatro profesor adviento reflexiones lujo
      huerto chiste chistes trabajo_de_tus_suenos caracol faro faros talentos postre perro_pastor acertijo
      leyenda magia circo antes
    `,
    you: `tu te ti tus usted ustedes contigo`,
    conditional: `
      podria podrias podriamos seria serias habria haria harias irias gustaria preferirias meterias ganaria
    `,
    followup: `
      otra_vez repite repitelo de_nuevo continua sigue mas_corto mas_largo dijiste tu_ultima ultima_respuesta
      mi_ultima mi_primera primera_pregunta queria_decir te_dije recuerdas te_acuerdas antes arriba punto
      el_segundo la_segunda el_otro como_que de_verdad para me_llamo mi_nombre vivo_en si no con_mas_detalle
      ahora_en hazlo quien_soy hablaba ultima_linea y_despues y_mi y_su y_ahora y_cuantos y_cuanto que_mas
    `,
    tale: `
      cuenta cuentame cuenta_la_historia escribe_un_poema escribe_una_historia escribe_un_cuento recita canta
      cuenta_hasta cuenta_hacia poema cancion_infantil adivinanza chiste cuento historia_de
    `,
    choice: `o u versus vs`,
  },
}
