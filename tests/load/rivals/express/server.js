// What a team with Node would write: Express 4, node-redis 4 and pg; a write deletes what is cached.
const express = require('express')
const { Pool } = require('pg')
const { createClient } = require('redis')

const TTL_SECONDS = 3600

const app = express()
const cache = createClient({ url: process.env.REDIS_URL })
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 5 })

app.use(express.json())

app.get('/product/:id', async (request, response) => {
  const id = Number(request.params.id)
  let body = await cache.get(`rival:${id}`)
  if (body === null) {
    const { rows } = await pool.query({ name: 'read', text: 'SELECT name, price FROM products WHERE id = $1', values: [id] })
    if (!rows.length) return response.status(404).json({ message: 'no such product' })
    body = JSON.stringify({ id, name: rows[0].name, price: Number(rows[0].price) })
    await cache.set(`rival:${id}`, body, { EX: TTL_SECONDS })
  }
  response.type('application/json').send(body)
})

app.post('/data', async (request, response) => {
  const { id, name, price } = request.body
  const text = 'INSERT INTO products VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'
  const { rowCount } = await pool.query({ name: 'create', text, values: [id, name, price] })
  await cache.del(`rival:${id}`)
  response.status(rowCount ? 201 : 409).json({ id, name, price })
})

app.put('/product/:id', async (request, response) => {
  const id = Number(request.params.id)
  const { name, price } = request.body
  const text = 'UPDATE products SET name = $1, price = $2 WHERE id = $3'
  const { rowCount } = await pool.query({ name: 'replace', text, values: [name, price, id] })
  await cache.del(`rival:${id}`)
  response.status(rowCount ? 200 : 404).json({ id, name, price })
})

cache.connect().then(() => app.listen(Number(process.env.PORT), '127.0.0.1'))
