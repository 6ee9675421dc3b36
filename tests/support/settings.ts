import { byGroup, settingEntries, settingNames, settingsSchema } from '../../src/platform/config/settings-schema.ts'

export const schema = settingsSchema({ cores: 4, cacheDir: '/cache', toPath: (path) => path })
const entries = settingEntries(schema)

/** The name of every setting in the environment, `COUNCIL_ENV` aside. */
export const allSettings = settingNames(entries)
export const secretSettings = entries.filter(({ isSecret }) => isSecret).map(({ name }) => name)

/** The first error of a set of settings, given by their names in the environment; undefined if all are allowed. */
export const settingsError = (values: Readonly<Record<string, string>>) =>
  schema.safeParse(byGroup(entries, values)).error
