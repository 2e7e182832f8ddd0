--- The list of prompts that wait.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local PROMPT = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local FLOAT = 'vim.bo.filetype == "agor-queue"'

--- A session in which these wait, as the backend would tell it.
local function waiting(nvim, texts, fields)
  nvim:lua(
    [[
      local texts, fields = ...
      T.results.queue = {}
      for i, text in ipairs(texts) do
        T.results.queue[i] = { id = 'e' .. i, head = text, lines = 1, labels = {}, edited = false }
      end
      local all = { queued = #texts, waiting = vim.list_slice(texts, 1, 3), busy = true }
      T.session('s1', vim.tbl_extend('force', all, fields))
      for _, method in ipairs({ 'queue_send', 'queue_put', 'queue_go', 'queue_edit' }) do
        T.results[method] = false
      end
      T.results_of.queue_move = function(params)
        for i, entry in ipairs(T.results.queue) do
          if entry.id == params.entry then
            table.insert(T.results.queue, params.to + 1, table.remove(T.results.queue, i))
            return true
          end
        end
      end
      T.results_of.queued = function(params)
        return { text = 'text of ' .. params.entry }
      end
    ]],
    texts,
    fields or vim.empty_dict()
  )
end

local function open(nvim, texts, fields)
  waiting(nvim, texts, fields)
  nvim:lua('require("agor.ui.queue").open("s1")')
  nvim:settle()
end

T['it lists what waits, what goes along and what the keys do'] = test(nil, function(nvim)
  open(nvim, { 'fix the tests', 'then commit' })
  nvim:lua([[
    local first = T.results.queue[1]
    first.lines, first.labels, first.edited = 3, { 'a.rs:3-4' }, true
    require('agor.ui.queue').refresh({ s1 = true })
  ]])
  local screen = nvim:screen()
  contains(screen, 'Queue of claude')
  contains(screen, '1  fix the tests  +2 lines  a.rs:3-4  being edited')
  contains(screen, '2  then commit')
  contains(screen, 's interrupt and send')
  lacks(screen, 'held')
  nvim:lua('T.session("s1", { held = "interrupted", capabilities = { steer = true } })')
  nvim:lua('require("agor.ui.queue").refresh({ s1 = true })')
  screen = nvim:screen()
  contains(screen, 'held: turn interrupted')
  contains(screen, 'r go on')
  contains(screen, 's into the turn')
end)

T['it fits a narrow screen, and a long prompt is one line of it'] = test(
  { columns = 50, lines = 12 },
  function(nvim)
    open(nvim, { ('long '):rep(40) .. '\0\27[31m', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j' })
    local screen = nvim:screen()
    contains(screen, ' 1  long long')
    contains(screen, '…')
    contains(screen, '<CR> edit')
    lacks(screen, 'J K move')
  end
)

T['its keys tell the backend which prompt is meant'] = test(nil, function(nvim)
  open(nvim, { 'a', 'b', 'c' })
  nvim:type('jJ')
  equal(nvim:get('T.told("queue_move")'), { { session_id = 's1', entry = 'e2', to = 2 } })
  equal(nvim:get('vim.fn.line(".")'), 3)
  nvim:type('J')
  equal(#nvim:get('T.told("queue_move")'), 1, 'the last one goes no further')
  nvim:type('ggs')
  nvim:type('GS')
  equal(nvim:get('T.told("queue_send")'), {
    { session_id = 's1', entry = 'e1', interrupt = false },
    { session_id = 's1', entry = 'e2', interrupt = true },
  })
  nvim:type('r')
  equal(nvim:get('T.told("queue_go")'), { { session_id = 's1' } })
  nvim:type('q')
  equal(nvim:get(FLOAT), false)
end)

T['what is taken out can be put back, or becomes the draft'] = test(nil, function(nvim)
  open(nvim, { 'a', 'b', 'c' })
  nvim:type('jdd')
  equal(nvim:get('T.told("queued")'), { { session_id = 's1', entry = 'e2', action = 'drop' } })
  nvim:type('u')
  local back = { session_id = 's1', at = 1, prompt = { text = 'text of e2' } }
  equal(nvim:get('T.told("queue_put")'), { back })
  nvim:type('u')
  contains(nvim:get('T.messages[1][2]'), 'Nothing was taken out')
  nvim:type('ggddGp')
  equal(nvim:get('T.told("queue_put")[2].at'), 3, 'typed before the answer is there')
  nvim:type('ggo')
  equal(nvim:get(PROMPT), { 'text of e1' })
  nvim:type('G<Tab>')
  contains(nvim:screen(), 'text of e3')
  nvim:type('q')
  equal(nvim:get(FLOAT), true)
end)

T['one is edited in the prompt window and the draft comes back after it'] = test(nil, function(nvim)
  waiting(nvim, { 'a', 'b' })
  nvim:lua('require("agor.ui.prompt").insert("s1", "half a thought")')
  nvim:lua('require("agor.ui.queue").open("s1")')
  nvim:settle()
  nvim:type('j<CR>')
  nvim:settle()
  equal(nvim:get('vim.bo.filetype'), 'agor-prompt')
  equal(nvim:get(PROMPT), { 'text of e2' })
  contains(nvim:screen(), 'Editing a prompt that waits')
  -- What comes back meanwhile belongs to the draft.
  nvim:lua('require("agor.ui.prompt").restore("s1", { text = "came back" })')
  equal(nvim:get(PROMPT), { 'text of e2' })
  nvim:type('<Esc>A, changed<Esc><CR>')
  equal(nvim:get('T.sent[1].text'), 'text of e2, changed')
  equal(nvim:get('T.sent[1].opts.entry'), 'e2')
  equal(nvim:get(PROMPT), { 'came back', 'half a thought' })
  lacks(nvim:screen(), 'Editing')
end)

T['one that is emptied waits as it was'] = test(nil, function(nvim)
  open(nvim, { 'a' })
  nvim:type('<CR>')
  nvim:settle()
  nvim:type('<Esc>:%d<CR><CR>')
  equal(nvim:get('T.told("queue_edit")'), { { session_id = 's1', entry = 'e1' } })
  equal(nvim:get('T.sent'), {})
  lacks(nvim:screen(), 'Editing')
end)

T['what is edited outlives Neovim, with the draft of before'] = test(nil, function(nvim)
  open(nvim, { 'a' })
  nvim:lua('require("agor.ui.prompt").insert("s1", "half a thought")')
  nvim:type('<CR>')
  nvim:settle()
  nvim:type('<Esc>A, changed<Esc>')
  local again = child.start({ home = nvim.home })
  again:lua('T.session("s1") require("agor.ui.prompt").focus("s1")')
  again:settle()
  equal(again:get(PROMPT), { 'text of e1, changed' })
  again:type('<Esc><CR>')
  equal(again:get('T.sent[1].opts.entry'), 'e1')
  equal(again:get(PROMPT), { 'half a thought' })
  again:stop()
end)

T['an empty queue is said and opens nothing'] = test(nil, function(nvim)
  nvim:lua('T.session("s1", {}) require("agor.ui.queue").open()')
  equal(nvim:get('T.messages'), { { 'info', 'Nothing waits for claude' } })
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
  equal(nvim:get('select(2, require("agor.ui.queue").open("nobody"))'), 'no session nobody')
end)

T['the last one that goes leaves the float with a sentence'] = test(nil, function(nvim)
  open(nvim, { 'a' })
  nvim:lua('T.results.queue = {} require("agor.ui.queue").refresh({ s1 = true })')
  contains(nvim:screen(), 'Nothing waits any more')
  nvim:type('s<CR>dd')
  equal(nvim:get('T.told("queue_send")'), {})
end)

T['left for another window it closes, its help it outlives'] = test(nil, function(nvim)
  open(nvim, { 'a' })
  nvim:type('g?')
  contains(nvim:screen(), 'edit it in the prompt window')
  nvim:type('q')
  equal(nvim:get(FLOAT), true)
  nvim:type('<C-w>w')
  nvim:settle()
  lacks(nvim:screen(), 'Queue of claude')
end)

T['under the draft stand the first prompts that wait, and why they do'] = test(nil, function(nvim)
  waiting(nvim, { 'a', 'b' }, { held = 'failed' })
  nvim:lua('require("agor.ui.prompt").focus("s1")')
  local screen = nvim:screen()
  contains(screen, '2 held, turn failed · sent after your next prompt')
  contains(screen, ' 1  a')
  contains(screen, ' 2  b')
end)

for mode, expect in pairs({
  queue = { { '<CR>', nil, nil }, { 'g<CR>', true, nil } },
  steer = { { '<CR>', true, nil }, { 'g<CR>', nil, nil } },
  interrupt = { { '<CR>', nil, true }, { 'g<CR>', nil, nil } },
}) do
  T['a prompt is sent as configured or the other way: ' .. mode] = test(nil, function(nvim)
    nvim:lua(
      'T.config.queue.mode = ... T.session("s1") require("agor.ui.prompt").focus("s1")',
      mode
    )
    nvim:settle()
    for i, want in ipairs(expect) do
      nvim:type('ahello<Esc>' .. want[1])
      local opts = nvim:get(('T.sent[%d].opts'):format(i))
      equal({ opts.steer, opts.now }, { want[2], want[3] })
    end
  end)
end

return T
