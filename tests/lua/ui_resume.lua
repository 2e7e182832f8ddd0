--- The picker of earlier sessions.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

--- Opens the picker over a backend that answers with `_G.rows` whatever fits the words, two at a time.
---@param nvim table
---@param opts? table
local function open(nvim, opts)
  nvim:lua(
    [[
    local opts = ...
    vim.o.columns, vim.o.lines = opts.columns or 140, opts.lines or 40
    package.loaded['agor.provider'] = { names = function() return {} end }
    require('agor.backend').data_dir = function() return '/data' end
    _G.rows = opts.rows or {
      { session_id = 'a', provider = 'claude', title = 'fix the\nparser', cwd = '/p', updated_at = 3 },
      { conversation = 'b', protocol = 'codex', file = '/kept', provider = 'codex', title = 'second',
        cwd = '/elsewhere', updated_at = 2 },
      { session_id = 'c', provider = 'demo', title = 'third', cwd = '/p', updated_at = 1 },
    }
    T.results_of.earlier = function(params)
      local out, from = {}, params.after or 0
      for i, row in ipairs(_G.rows) do
        if i > from and #out < 2 and row.title:find(params.text, 1, true) then
          row = vim.deepcopy(row)
          if params.text ~= '' then
            row.hit = { at = 7, text = 'a ' .. params.text .. ' b', places = { { 2, 2 + #params.text } } }
          end
          table.insert(out, row)
          from = i
        end
      end
      return { rows = out, after = #out == 2 and from or nil, moot = false }
    end
    T.results_of.preview = function(params)
      return { lines = { 'of ' .. params.path, 'said' }, marks = { { 0, 0, 2, 'AgorFound' } }, row = 1 }
    end
    _G.taken = {}
    require('agor.ui.resume').open({ here = '/p', all = false, extra = {}, take = function(row, how)
      table.insert(_G.taken, { row.session_id or row.conversation, how })
    end })]],
    opts or vim.empty_dict()
  )
  nvim:settle()
end

local function wait_screen(nvim, text)
  nvim:wait(([[(function()
    for _, win in ipairs(vim.api.nvim_list_wins()) do
      local buf = vim.api.nvim_win_get_buf(win)
      if table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n'):find(%q, 1, true) then
        return true
      end
    end
  end)()]]):format(text))
end

T['what there was is listed piece by piece, with a glance into the one at hand'] = test(
  nil,
  function(nvim)
    open(nvim)
    wait_screen(nvim, 'of /data/sessions/a.ndjson')
    local screen = nvim:screen()
    for _, part in ipairs({
      'Resume · /p · 3',
      'fix the parser',
      'third',
      "the agent's own",
      '/elsewhere',
      'type to search',
      '<C-f> new from it',
    }) do
      contains(screen, part)
    end
    equal(nvim:mode(), 'i')
    nvim:type('<C-n>')
    wait_screen(nvim, 'of /kept')
    equal(nvim:get('{ T.told("preview")[2].protocol, T.told("preview")[2].text }'), { 'codex', '' })
  end
)

T['words that are typed are searched for, and shown where they were found'] = test(
  nil,
  function(nvim)
    open(nvim)
    nvim:type('third')
    nvim:wait('#T.told("preview") > 0 and T.told("preview")[#T.told("preview")].at == 7')
    local screen = nvim:screen()
    contains(screen, 'a third b')
    contains(screen, 'Resume · /p · 1')
    lacks(screen, 'fix the parser')
    nvim:type('xyz')
    wait_screen(nvim, 'Nothing that was said has these words: <C-a> looks everywhere')
    nvim:type('<C-a>')
    wait_screen(nvim, 'Nothing that was said has these words')
    nvim:wait('T.told("earlier")[#T.told("earlier")].all')
  end
)

T['a key takes what is at hand, and nothing stays'] = test(nil, function(nvim)
  for key, how in pairs({ ['<CR>'] = 'resume', ['<C-f>'] = 'seed', ['<C-o>'] = 'read' }) do
    open(nvim)
    wait_screen(nvim, 'third')
    nvim:type('<C-n><C-n>' .. key)
    nvim:wait('#_G.taken == 1')
    equal(nvim:get('_G.taken[1]'), { 'c', how })
    equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
    nvim:type('<Esc>')
  end
  open(nvim)
  wait_screen(nvim, 'third')
  nvim:type('<C-x>')
  equal(nvim:get('{ _G.taken, #vim.api.nvim_list_wins() }'), { { { 'a', 'delete' } }, 4 })
  nvim:type('<Esc>q')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
end)

T['it fits a small screen and closes when it is left'] = test(nil, function(nvim)
  open(nvim, { columns = 60, lines = 16 })
  wait_screen(nvim, 'third')
  local screen = nvim:screen()
  contains(screen, 'fix the parser')
  lacks(screen, 'of /data')
  nvim:lua('vim.o.columns, vim.o.lines = 160, 45')
  nvim:settle()
  nvim:cmd('wincmd p')
  nvim:settle()
  nvim:lua('vim.api.nvim_set_current_win(vim.fn.win_getid(1))')
  nvim:wait('#vim.api.nvim_list_wins() == 1')
end)

T['what runs tells of more, which stands between the others'] = test(nil, function(nvim)
  open(nvim)
  wait_screen(nvim, 'third')
  nvim:lua([[require('agor.ui.resume').add({
    { conversation = 'd', provider = 'acp', title = 'told', cwd = '/p', updated_at = 2.5 },
    { conversation = 'b', provider = 'codex', title = 'twice', cwd = '/p', updated_at = 2.5 },
  })]])
  wait_screen(nvim, 'told')
  lacks(nvim:screen(), 'twice')
  nvim:type('<C-n><CR>')
  nvim:wait('#_G.taken == 1')
  equal(nvim:get('_G.taken[1]'), { 'd', 'resume' })
end)

T['an error is shown in the list'] = test(nil, function(nvim)
  nvim:lua([[T.answers_of.earlier = 'the folder cannot be read']])
  open(nvim)
  nvim:lua([[T.results_of.earlier = nil]])
  nvim:type('x')
  wait_screen(nvim, 'the folder cannot be read')
end)

return T
