//! `import catalog` through the real binary: into a store, into a server, and what it refuses.

mod process;

use std::fmt::Write as _;

use anyhow::Result;
use process::Place;

const GOOD: &str = "seller,seller_name,sku,title,price_minor,currency,on_shelf,quota_per_buyer,source_version,stock
tea,茶馆 Tea House,green-100,\"Green tea, 100 g\",990,CNY,true,5,7,40
tea,,black 100,Black tea,890,CNY,,,,
mugs,Mugs,mug/1,杯子 Mug,2500,CNY,false,,,12
";

#[test]
fn writes_a_good_file_into_a_store_and_again_changes_nothing() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["shop", "admin"])?;
    place.write("skus.csv", GOOD)?;
    let first = place.done(&["import", "catalog", "skus.csv"])?;
    let expected = "sellers 2; SKUs stored 3, unchanged 0, older than stored 0; opening stock added 2, there before 0; \
                    lines rejected 0\n";
    assert_eq!(first, expected);
    let second = place.done(&["import", "catalog", "skus.csv"])?;
    assert!(second.contains("stored 0, unchanged 3") && second.contains("added 0, there before 2"), "{second}");

    let served = place.serve(&[])?;
    let (_, sku) = served.call(&secret, "GET", "/v1/skus/green-100", None)?;
    assert_eq!((&sku["title"], &sku["quota_per_buyer"]), (&"Green tea, 100 g".into(), &5.into()));
    let (_, stock) = served.call(&secret, "GET", "/v1/stock/mug%2F1", None)?;
    assert_eq!(stock["available"], 12);
    Ok(())
}

#[test]
fn writes_a_good_file_into_a_running_server() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["shop", "admin"])?;
    let served = place.serve(&[])?;
    let mut lines = String::new();
    for number in 0..1_201 {
        writeln!(
            lines,
            "{{\"seller\":\"s\",\"seller_name\":\"S\",\"sku\":\"{number}\",\"title\":\"T\",\"price_minor\":1,\
             \"currency\":\"CNY\",\"stock\":{}}}",
            number % 3
        )?;
    }
    place.write("skus.jsonl", &lines)?;
    let words = ["import", "catalog", "skus.jsonl", "--target", &served.url, "--key", &secret];
    let first = place.done(&words)?;
    assert!(first.contains("SKUs stored 1201, unchanged 0") && first.contains("stock added 800"), "{first}");
    let second = place.done(&words)?;
    assert!(second.contains("stored 0, unchanged 1201") && second.contains("there before 800"), "{second}");
    assert_eq!(served.call(&secret, "GET", "/v1/stock/1199", None)?.1["on_hand"], 2);

    // A store that is being served is not written past its server.
    let beside = place.run(&["import", "catalog", "skus.jsonl"])?;
    assert_eq!(beside.status, Some(2));
    assert!(beside.stderr.contains("--target"), "{}", beside.stderr);
    Ok(())
}

#[test]
fn one_rejected_line_means_nothing_unless_told_to_keep_going() -> Result<()> {
    let place = Place::new()?;
    let (_, secret) = place.key(&["shop", "admin"])?;
    let bad = format!("{GOOD}tea,,oolong,Oolong,9.90,CNY,,,,\nghost,,g,Ghost,1,CNY,,,,\n");
    place.write("skus.csv", &bad)?;

    let ended = place.run(&["import", "catalog", "skus.csv"])?;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("line 5: price_minor: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing is written"), "{}", ended.stderr);
    {
        let served = place.serve(&[])?;
        assert_eq!(served.call(&secret, "GET", "/v1/skus/green-100", None)?.0, 404);
    }

    let ended = place.run(&["import", "catalog", "skus.csv", "--keep-going"])?;
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("SKUs stored 3") && ended.stdout.contains("lines rejected 2"), "{}", ended.stdout);
    assert!(ended.stderr.contains("line 6: seller: ghost does not exist"), "{}", ended.stderr);
    let served = place.serve(&[])?;
    assert_eq!(served.call(&secret, "GET", "/v1/skus/green-100", None)?.0, 200);
    assert_eq!(served.call(&secret, "GET", "/v1/skus/oolong", None)?.0, 404);
    Ok(())
}

#[test]
fn what_cannot_be_read_or_written_is_one_sentence() -> Result<()> {
    let place = Place::new()?;
    place.write("skus.txt", "")?;
    place.write("skus.csv", "seller,sku\n")?;
    place.write("good.csv", GOOD)?;
    let cases: [(&[&str], &str); 5] = [
        (&["skus.txt"], "say --format"),
        (&["absent.csv"], "cannot read absent.csv"),
        (&["skus.csv"], "no column title"),
        (&["good.csv"], "there is no store in holdline-data"),
        (&["good.csv", "--target", "http://127.0.0.1:1", "--key", "hl_x"], "/v1/sellers/"),
    ];
    for (words, said) in cases {
        let ended = place.run(&[&["import", "catalog"], words].concat())?;
        assert_eq!(ended.status, Some(2), "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said) && ended.stderr.lines().count() == 1, "{said}\n{}", ended.stderr);
    }
    Ok(())
}
