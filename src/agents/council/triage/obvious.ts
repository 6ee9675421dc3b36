import { plain } from './instruction.ts'

/** In plain form, separated by commas. A text that consists of such phrases is a courtesy, or asks to go on. */
const courtesies = new Set(
  `hi, hiya, hello, hello there, hi there, hey, hey there, yo, again, all, everyone, good morning, good afternoon, good evening, good night, morning, evening, how are you, how are you today, how are you doing,
  how's it going, what's up, nice to meet you, thanks, thanks a lot, thank you, thank you so much, thank you very much, many thanks, thx, cheers, ok, okay, great, perfect, bye, goodbye, see you, see you later, see you tomorrow, take care, and,
  and now, and then, now what, so what, go on, please, continue, more, why, really, how so,
  und jetzt, und dann, na und, weiter, bitte, mehr, warum, wirklich, et maintenant, et apres, continue, encore, pourquoi, vraiment, y ahora, y luego, sigue, continua, mas, por que, de verdad,
  hallo, servus, moin, guten morgen, guten tag, guten abend, gute nacht, wie geht es dir, wie geht's, wie gehts, wie geht's dir, wie gehts dir, danke, danke dir, danke schon, danke sehr, vielen dank, tschuss, auf wiedersehen, bis bald, bis morgen, bis spater, zusammen, und, super,
  bonjour, bonsoir, salut, coucou, ca va, comment ca va, comment vas tu, comment allez vous, merci, merci beaucoup, merci bien, au revoir, bonne journee, bonne soiree, bonne nuit, a demain, a bientot, a plus, et, parfait,
  hola, buenos dias, buenas, buenas tardes, buenas noches, que tal, como estas, gracias, muchas gracias, adios, hasta luego, hasta manana, hasta pronto, y, perfecto`.split(
    /,\s+/,
  ),
)
const maxCourtesyWords = 4

const arithmeticLead =
  /^(?:what is|what's|whats|how much is|calculate|compute|wie ?viel (?:ist|sind|macht)|was (?:ist|sind|ergibt|macht)|rechne|berechne|combien (?:font|fait)|calcule|cuanto (?:es|son)|calcula)\b/
const arithmeticWords =
  /\b(?:times|plus|minus|divided by|multiplied by|to the power of|percent of|of|mal|durch|geteilt durch|hoch|prozent von|von|fois|moins|divise par|pour cent de|de|por|mas|menos|entre|dividido por|por ciento de|x)\b/g

/** True for a text that any model answers well at once: no words at all, nothing but courtesies, or a calculation with numbers only. */
export function isObviouslySimple(question: string): boolean {
  if (question.length > maxCharacters) return !/[\p{L}\p{N}]/u.test(question)
  const text = plain(question)
    .replaceAll(/[!?.…¿¡;]+(?=\s|$|\p{L})|[¿¡]/gu, ' ')
    .trim()
  if (!/[\p{L}\p{N}]/u.test(text)) return true
  return isCourtesy(text) || isArithmetic(text)
}

/** Longer texts are never obvious, unless they have no words. */
const maxCharacters = 120

function isCourtesy(text: string): boolean {
  const words = text.match(/[\p{L}\p{N}']+/gu) ?? []
  let at = 0
  while (at < words.length) {
    const lengths = Array.from({ length: maxCourtesyWords }, (_, index) => maxCourtesyWords - index)
    const taken = lengths.find((length) => courtesies.has(words.slice(at, at + length).join(' ')))
    if (taken === undefined) return false
    at += taken
  }
  return true
}

function isArithmetic(text: string): boolean {
  const sum = text.replace(arithmeticLead, ' ').replaceAll(arithmeticWords, '*').trim()
  return /^[\d\s.,+\-*/×÷:^()%=]+$/.test(sum) && /\d[^\d]*[+\-*/×÷:^%][^\d]*\d/.test(sum)
}
