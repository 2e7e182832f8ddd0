-- :Agor changes and :Agor diff: what is asked, and what is done with the answers.

local nvim = require('support.nvim')
local test, equal, contains = nvim.test, nvim.equal, nvim.contains

local T = {}

---@param child agor.test.Nvim
local function session(child)
  child:lua([[require('agor').start({ provider = 'demo', session_id = 'a', open = false })]])
  child:wait_told('start')
end

---@param replies table
---@return table
local function env(replies)
  return { AGOR_FAKE_REPLIES = vim.json.encode(replies) }
end

---@param fields table
---@return table
local function changes(fields)
  local none = { items = {}, paths = {}, files = 0, added = 0, removed = 0, notes = {} }
  return { changes = { result = vim.tbl_extend('force', none, fields) } }
end

T['the list is that of the session or of its last turn'] = test({
  env = env(changes({
    items = {
      { filename = '/p/a', lnum = 3, end_lnum = 4, text = '+2 -1  x' },
      { filename = '/p/b', lnum = 1, end_lnum = 1, text = 'deleted file, 2 lines' },
    },
    files = 2,
    added = 2,
    removed = 3,
    notes = { 'not all of it' },
  })),
}, function(child)
  session(child)
  child:cmd('AgorChanges turn')
  equal(child:wait_told('changes').turn, true)
  child:wait_note('2 files changed, +2 -3')
  contains(child:notes(), 'not all of it')
  local list = child:get([[vim.fn.getqflist({ title = 0, items = 0 })]])
  equal(list.title, 'agor changes (last turn): demo')
  equal(
    list.items[1].lnum .. ' ' .. list.items[1].end_lnum .. ' ' .. list.items[1].text,
    '3 4 +2 -1  x'
  )
  equal(child:get('vim.bo.buftype'), 'quickfix')
  child:cmd('AgorChanges tomorrow')
  contains(child:notes(), 'changes takes turn or session, not "tomorrow"')
end)

T['a name that nobody would see all of is shown by another text and leads to the file still'] = test(
  {
    env = env(changes({
      items = {
        {
          filename = '/p/a\243\160\129\129\27x',
          lnum = 1,
          end_lnum = 1,
          text = '+1  y\243\160\129\129',
        },
        { filename = '/p/b', lnum = 1, end_lnum = 1, text = '+1' },
      },
      files = 2,
    })),
  },
  function(child)
    session(child)
    child:cmd('AgorChanges')
    child:wait_note('2 files changed')
    local items = child:get([[vim.fn.getqflist()]])
    equal({ items[1].module, items[1].text }, { '/p/a‹A x', '+1  y‹A' })
    equal(items[2].module, '')
    local name = child:get([[vim.fn.bufname(vim.fn.getqflist()[1].bufnr)]])
    equal(name, '/p/a\243\160\129\129\27x')
    contains(child:get([[vim.fn.getline(1)]]), '/p/a‹A x|1| +1  y‹A')
  end
)

T["nothing changed is said, and the user's own list stays"] = test(
  { env = env(changes({})) },
  function(child)
    session(child)
    child:cmd([[lua vim.fn.setqflist({ { text = 'mine' } })]])
    child:cmd('AgorChanges')
    child:wait_note('the session has changed no files')
    equal(child:get([[vim.fn.getqflist()[1].text]]), 'mine')
    child:cmd('AgorDiff!')
    child:wait_note('the last turn has changed no files')
  end
)

T['a file is asked for by its whole name, and a refusal is said'] = test({
  env = env(
    vim.tbl_extend('force', changes({ paths = { '/p/a' } }), { before = { error = 'no text' } })
  ),
}, function(child)
  session(child)
  child:cmd('AgorDiff some\\ file')
  equal(child:wait_told('before').path, child.home .. '/work/some file')
  child:wait_note('no text')
  equal(child:get('#vim.api.nvim_list_tabpages()'), 1)
end)

local old = vim.fn.tempname()

T['a file that was moved stands beside the one that it was, under its name'] = test({
  env = env(vim.tbl_extend('force', changes({ paths = { '/p/new.txt', '/p/z' } }), {
    before = { result = { path = '/p/new.txt', was = '/p/old.txt', text_file = old } },
  })),
}, function(child)
  vim.fn.writefile({ 'moved' }, old)
  session(child)
  child:cmd('set columns=160')
  child:cmd('AgorDiff')
  child:wait_for('#vim.api.nvim_list_tabpages() == 2')
  local bars = child:get([[vim.tbl_map(function(win)
    return vim.api.nvim_eval_statusline(vim.wo[win].winbar, { winid = win, maxwidth = 79 }).str
  end, vim.api.nvim_tabpage_list_wins(0))]])
  contains(bars[1], '/p/old.txt, before (1 of 2)')
  contains(bars[2], '/p/new.txt, is gone (1 of 2)')
  contains(bars[2], ']f [f files · do takes back · q closes')
end)

return T
